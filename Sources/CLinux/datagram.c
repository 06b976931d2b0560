#include "clinux_datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int clinux_loopback_datagrams(unsigned short port) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -errno;
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)},
    };
    if (connect(descriptor, (struct sockaddr *)&peer, sizeof peer) != 0) {
        int code = errno;
        close(descriptor);
        return -code;
    }
    return descriptor;
}
