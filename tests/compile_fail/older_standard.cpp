// SPDX-License-Identifier: BSL-1.0
// says: coffer needs C++20: compile with -std=c++20 (with CMake, linking coffer::coffer asks for it; do not set an older CMAKE_CXX_STANDARD)
// flags: -std=c++17
// alone
#include <coffer/coffer.hpp>
