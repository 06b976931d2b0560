#ifndef CLINUX_LINK_H
#define CLINUX_LINK_H

/// What a network driver says of itself and its card (ETHTOOL_GDRVINFO, ETHTOOL_GPERMADDR; ethtool(8)).
///
/// Texts end in NUL; empty where the driver says nothing.
struct clinux_link_info {
    char driver[32];
    char version[32];
    char firmware[32];
    char bus[32];
    /// The address the card was made with, and how many bytes it has; 0 where it has none.
    unsigned char permanent[32];
    int permanent_size;
};

/// A socket to ask about interfaces by; a descriptor, or -errno.
int clinux_link_socket(void);

/// Fills in what the interface's driver says; 0, or -errno. Needs no privilege and changes nothing.
int clinux_ask_link(int socket, const char *interface, struct clinux_link_info *info);

#endif
