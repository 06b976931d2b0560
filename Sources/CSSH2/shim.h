/// libssh2 for Swift: its function-like macros and its callback casts, as functions.
/// Results are libssh2's own: 0 or a count on success, LIBSSH2_ERROR_… (negative) on failure.
#pragma once
#include <libssh2.h>
#include <string.h>

/// Receives at most `length` bytes; returns their count, 0 at the end, -errno on failure.
typedef ssize_t (*cssh2_receive)(libssh2_socket_t socket, void *buffer, size_t length, int flags,
                                 void **context);
/// Takes `length` bytes; returns the count taken or -errno.
typedef ssize_t (*cssh2_send)(libssh2_socket_t socket, const void *buffer, size_t length, int flags,
                              void **context);
/// Signs `data`; stores a signature from malloc(3), which libssh2 frees. LIBSSH2_ERROR_EAGAIN: not yet.
typedef int (*cssh2_sign)(LIBSSH2_SESSION *session, unsigned char **signature, size_t *length,
                          const unsigned char *data, size_t data_length, void **context);

/// A session that calls malloc(3), with `context` handed to its callbacks.
static inline LIBSSH2_SESSION *cssh2_session_new(void *context) {
    return libssh2_session_init_ex(NULL, NULL, NULL, context);
}

/// Told of the server's good-bye: its reason and text.
typedef void (*cssh2_disconnect)(LIBSSH2_SESSION *session, int reason, const char *text,
                                 int text_length, const char *language, int language_length,
                                 void **context);

/// Has the session's bytes pass through two functions of ours instead of recv(2) and send(2).
static inline void cssh2_session_set_callbacks(LIBSSH2_SESSION *session, cssh2_receive receive,
                                               cssh2_send send, cssh2_disconnect disconnect) {
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)receive);
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)send);
    libssh2_session_callback_set(session, LIBSSH2_CALLBACK_DISCONNECT, (void *)disconnect);
}

/// Opens a channel of type `session`.
static inline LIBSSH2_CHANNEL *cssh2_channel_open(LIBSSH2_SESSION *session, unsigned int window,
                                                  unsigned int packet) {
    return libssh2_channel_open_ex(session, "session", sizeof "session" - 1, window, packet, NULL, 0);
}

/// Opens a channel of type `direct-tcpip` with a window of our choice (RFC 4254, 7.2);
/// `message` is the encoded destination and origin.
static inline LIBSSH2_CHANNEL *cssh2_channel_open_tunnel(LIBSSH2_SESSION *session,
                                                         unsigned int window, unsigned int packet,
                                                         const char *message, unsigned int length) {
    return libssh2_channel_open_ex(session, "direct-tcpip", sizeof "direct-tcpip" - 1, window, packet,
                                   message, length);
}

/// Runs a command line in the channel.
static inline int cssh2_channel_exec(LIBSSH2_CHANNEL *channel, const char *command,
                                     unsigned int length) {
    return libssh2_channel_process_startup(channel, "exec", sizeof "exec" - 1, command, length);
}

/// Says good-bye.
static inline int cssh2_session_disconnect(LIBSSH2_SESSION *session) {
    return libssh2_session_disconnect_ex(session, SSH_DISCONNECT_BY_APPLICATION, "done", "");
}
