/* The minimal work of a controller: logs in to many hosts at once and runs one command on each.
 *
 *   bare_loop WIDTH USER KEY COMMAND <ADDRESSES
 *
 * Reads one IPv4 address on each line, keeps WIDTH connections open with one epoll, and prints the
 * number of hosts that answered and the time in microseconds: "250 2431187". Host keys are not
 * checked. If a host failed, prints which and why, and exits with 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum step { CONNECT, HANDSHAKE, LOGIN, OPEN, EXECUTE, READ, CLOSE, DISCONNECT, DONE };

static const char *const step_names[] = {
    "connect", "exchange keys", "log in", "open a channel", "execute",
    "read", "close the channel", "disconnect", "end",
};

struct host {
    const char *address;
    int socket;
    enum step step;
    LIBSSH2_SESSION *session;
    LIBSSH2_CHANNEL *channel;
};

static const char *user, *key, *command;
static int epoll;

static long long microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void give_up(const struct host *host, const char *why) {
    fprintf(stderr, "bare_loop: %s: cannot %s: %s\n", host->address, step_names[host->step], why);
    exit(1);
}

static void begin(struct host *host) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(22)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = host};
    int yes = 1;
    if (inet_pton(AF_INET, host->address, &address.sin_addr) != 1) give_up(host, "not an address");
    host->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (host->socket < 0) give_up(host, strerror(errno));
    setsockopt(host->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(host->socket, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        give_up(host, strerror(errno));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, host->socket, &event) < 0) give_up(host, strerror(errno));
}

static int is_connected(struct host *host) {
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    int code = 0;
    socklen_t code_size = sizeof code;
    getsockopt(host->socket, SOL_SOCKET, SO_ERROR, &code, &code_size);
    if (code != 0) give_up(host, strerror(code));
    return getpeername(host->socket, (struct sockaddr *)&peer, &size) == 0;
}

/* Tries one step. Returns 0 if it is done, LIBSSH2_ERROR_EAGAIN if it must wait, otherwise an error. */
static int advance(struct host *host) {
    char buffer[4096];
    ssize_t count;
    int code;
    switch (host->step) {
    case CONNECT:
        if (!is_connected(host)) return LIBSSH2_ERROR_EAGAIN;
        host->session = libssh2_session_init();
        if (!host->session) give_up(host, "out of memory");
        libssh2_session_set_blocking(host->session, 0);
        return 0;
    case HANDSHAKE:
        return libssh2_session_handshake(host->session, host->socket);
    case LOGIN:
        return libssh2_userauth_publickey_fromfile(host->session, user, NULL, key, NULL);
    case OPEN:
        host->channel = libssh2_channel_open_session(host->session);
        return host->channel ? 0 : libssh2_session_last_errno(host->session);
    case EXECUTE:
        return libssh2_channel_exec(host->channel, command);
    case READ:
        while ((count = libssh2_channel_read(host->channel, buffer, sizeof buffer)) > 0) continue;
        if (count < 0) return (int)count;
        return libssh2_channel_eof(host->channel) ? 0 : LIBSSH2_ERROR_EAGAIN;
    case CLOSE:
        code = libssh2_channel_close(host->channel);
        if (code != 0) return code;
        code = libssh2_channel_wait_closed(host->channel);
        if (code != 0) return code;
        if (libssh2_channel_get_exit_status(host->channel) != 0) give_up(host, "the command failed");
        return 0;
    case DISCONNECT:
        code = libssh2_session_disconnect(host->session, "done");
        if (code == LIBSSH2_ERROR_EAGAIN) return code;
        libssh2_session_free(host->session);
        close(host->socket);
        return 0;
    case DONE:
        break;
    }
    return 0;
}

/* Makes all steps that need no waiting; returns whether the host is done. */
static int proceed(struct host *host) {
    while (host->step != DONE) {
        int code = advance(host);
        if (code == LIBSSH2_ERROR_EAGAIN) return 0;
        if (code != 0) {
            char *message = "unknown";
            libssh2_session_last_error(host->session, &message, NULL, 0);
            give_up(host, message);
        }
        host->step++;
    }
    return 1;
}

static struct host *read_hosts(size_t *count) {
    struct host *hosts = NULL;
    char line[64];
    *count = 0;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!*line) continue;
        hosts = realloc(hosts, (*count + 1) * sizeof *hosts);
        if (!hosts) exit(1);
        hosts[*count] = (struct host){.address = strdup(line), .socket = -1};
        ++*count;
    }
    return hosts;
}

int main(int argc, char **argv) {
    struct epoll_event events[256];
    size_t count, next = 0, under_way = 0, done = 0, width;
    struct host *hosts;
    long long start;
    if (argc != 5) {
        fprintf(stderr, "usage: bare_loop WIDTH USER KEY COMMAND <ADDRESSES\n");
        return 64;
    }
    width = strtoul(argv[1], NULL, 10);
    user = argv[2], key = argv[3], command = argv[4];
    hosts = read_hosts(&count);
    start = microseconds();
    if (libssh2_init(0) != 0) return 1;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    while (done < count) {
        while (next < count && under_way < width) {
            begin(&hosts[next++]);
            under_way++;
        }
        int ready = epoll_wait(epoll, events, 256, 30000);
        if (ready == 0) {
            fprintf(stderr, "bare_loop: %zu hosts did not answer within 30 s\n", under_way);
            return 1;
        }
        for (int i = 0; i < ready; i++) {
            if (!proceed(events[i].data.ptr)) continue;
            under_way--;
            done++;
        }
    }
    printf("%zu %lld\n", done, microseconds() - start);
    return 0;
}
