#ifndef CLINUX_LINK_H
#define CLINUX_LINK_H

/// A socket for questions about network interfaces; a descriptor, or -errno.
int clinux_link_socket(void);

/// Passes a message to an interface's driver, which writes its answer into it; 0, or -errno.
///
/// `request` is SIOCETHTOOL, SIOCGHWTSTAMP or SIOCSHWTSTAMP (netdevice(7), linux/sockios.h). The
/// message must be as large as the structure of its command.
int clinux_ask_link(int socket, const char *interface, unsigned request, void *message);

#endif
