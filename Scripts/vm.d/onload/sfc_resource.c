// The module on which onload and sfc_char depend. Like the real one, it has no version. For Onload @VERSION@.
#include <linux/module.h>

static int pio = 1;
module_param(pio, int, 0444);

int sfc_resource_here(void);
int sfc_resource_here(void) { return sizeof("@VERSION@"); }
EXPORT_SYMBOL(sfc_resource_here);
MODULE_LICENSE("GPL");
