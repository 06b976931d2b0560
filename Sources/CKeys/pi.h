#pragma once
#include <stdint.h>

extern const uint32_t ckeys_pi[1042];
