// SPDX-License-Identifier: BSL-1.0
// says: coffer needs exceptions, as Asio's coroutines do: compile without -fno-exceptions whatever includes coffer
// flags: -fno-exceptions
// alone
#include <coffer/coffer.hpp>
