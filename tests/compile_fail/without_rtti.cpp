// SPDX-License-Identifier: BSL-1.0
// says: coffer needs run-time type information, by which it tells exceptions apart: compile without -fno-rtti whatever includes coffer
// flags: -fno-rtti
// alone
#include <coffer/coffer.hpp>
