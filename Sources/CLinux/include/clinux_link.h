#ifndef CLINUX_LINK_H
#define CLINUX_LINK_H

/// A socket to ask about interfaces by; a descriptor, or -errno.
int clinux_link_socket(void);

/// Hands a message to the driver of an interface and leaves its answer in place; 0, or -errno.
///
/// `request` is SIOCETHTOOL, SIOCGHWTSTAMP or SIOCSHWTSTAMP (netdevice(7), linux/sockios.h). The
/// message must have the room that its command's structure takes.
int clinux_ask_link(int socket, const char *interface, unsigned request, void *message);

#endif
