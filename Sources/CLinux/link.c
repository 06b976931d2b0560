#include "clinux_link.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int clinux_link_socket(void) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_ask_link(int socket, const char *interface, unsigned request, void *message) {
    struct ifreq question;
    if (strlen(interface) >= IFNAMSIZ) return -ENAMETOOLONG;
    memset(&question, 0, sizeof question);
    strncpy(question.ifr_name, interface, IFNAMSIZ - 1);
    question.ifr_data = message;
    return ioctl(socket, request, &question) < 0 ? -errno : 0;
}
