/// All headers of this module: a new one is added here, so that builds notice it.
#pragma once
#include "clinux_channel.h"
#include "clinux_datagram.h"
#include "clinux_descriptor.h"
#include "clinux_epoll.h"
#include "clinux_link.h"
#include "clinux_lock.h"
#include "clinux_process.h"
#include "clinux_sandbox.h"
#include "clinux_schedule.h"
