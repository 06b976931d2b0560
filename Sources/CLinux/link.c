#include "clinux_link.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int ask(int descriptor, const char *interface, void *question) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    request.ifr_data = question;
    return ioctl(descriptor, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static void copy(char *to, const char *from) {
    memcpy(to, from, 31);
    to[31] = 0;
}

int clinux_link_socket(void) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int clinux_ask_link(int socket, const char *interface, struct clinux_link_info *info) {
    memset(info, 0, sizeof *info);
    if (strlen(interface) >= IFNAMSIZ) return -ENAMETOOLONG;
    struct ethtool_drvinfo driver;
    memset(&driver, 0, sizeof driver);
    driver.cmd = ETHTOOL_GDRVINFO;
    int answer = ask(socket, interface, &driver);
    if (answer == 0) {
        copy(info->driver, driver.driver);
        copy(info->version, driver.version);
        copy(info->firmware, driver.fw_version);
        copy(info->bus, driver.bus_info);
    }
    struct {
        struct ethtool_perm_addr head;
        unsigned char bytes[32];
    } address;
    memset(&address, 0, sizeof address);
    address.head.cmd = ETHTOOL_GPERMADDR;
    address.head.size = sizeof address.bytes;
    if (answer == 0 && ask(socket, interface, &address) == 0) {
        int size = (int)address.head.size;
        if (size > (int)sizeof address.bytes) size = sizeof address.bytes;
        memcpy(info->permanent, address.bytes, size);
        info->permanent_size = size;
    }
    return answer;
}
