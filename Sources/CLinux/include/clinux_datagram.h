#ifndef CLINUX_DATAGRAM_H
#define CLINUX_DATAGRAM_H

/// A datagram socket connected to a port of 127.0.0.1 (udp(7)); a descriptor, or -errno.
///
/// Nothing is sent yet. If the peer refuses a datagram, the next call on the descriptor fails.
int clinux_loopback_datagrams(unsigned short port);

#endif
