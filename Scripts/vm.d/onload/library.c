// A library that is also a program. It takes a stack for the program that loads it, if the driver's version fits.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char interpreter[] __attribute__((section(".interp"))) = "/lib64/ld-linux-x86-64.so.2";

// The options that it knows; the real library has them in its text section too.
const char *const options[] = {
	"EF_POLL_USEC", "EF_TCP_FASTSTART_INIT", "EF_TCP_FASTSTART_IDLE", "EF_CTPIO_MODE",
	"EF_CTPIO_SWITCH_BYPASS", "EF_EPOLL_MT_SAFE", "EF_TPH_MODE", "EF_INT_DRIVEN", "EF_LOG",
};

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(1);
}

__attribute__((force_align_arg_pointer)) void banner(void)
{
	say("OpenOnload @VERSION@ \nCopyright (c) the lab\n"
	    "Built: May 16 2015 10:11:12 (release)\n"
	    "Build profile header: <ci/internal/transport_config_opt_extra.h>\n");
	_exit(0);
}

__attribute__((constructor)) static void attach(void)
{
	char text[256] = "";
	int version = open("/proc/driver/onload/version", O_RDONLY | O_CLOEXEC);
	int device = open("/dev/onload", O_RDWR | O_CLOEXEC);

	if (version < 0 || device < 0)
		return;
	// With an older or newer driver it opens the device but gets no stack.
	if (read(version, text, sizeof(text) - 1) > 0 && strstr(text, "onload_version: @VERSION@ "))
		if (write(device, "stack", 5) < 0)
			return;
	close(version);
}
