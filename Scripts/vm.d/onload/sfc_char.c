// Stands for the interface of programs that use the card without sockets. For Onload @VERSION@.
#include <linux/module.h>

int sfc_resource_here(void);
int sfc_char_here(void);
int sfc_char_here(void) { return sfc_resource_here() + sizeof("@VERSION@"); }
EXPORT_SYMBOL(sfc_char_here);
MODULE_LICENSE("GPL");
