// Keeps the device open and does nothing until it is told to stop.
#include <fcntl.h>
#include <unistd.h>

int main(void)
{
	int device = -1;

	// The device may appear a moment later.
	for (int tries = 0; device < 0 && tries < 100; tries++) {
		device = open("/dev/onload", O_RDWR);
		if (device < 0)
			usleep(100000);
	}
	if (device < 0 || write(device, "server", 6) < 0)
		return 1;
	for (;;)
		pause();
}
