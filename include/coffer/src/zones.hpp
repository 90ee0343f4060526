// SPDX-License-Identifier: BSL-1.0
#pragma once
// The definitions of time zones, for the one file of a program that compiles them; see docs/install.md.

#include <coffer/config.hpp>

#if !defined(COFFER_SEPARATE_COMPILATION)
#error \
    "coffer/src/ is for programs that define COFFER_SEPARATE_COMPILATION, in every file; without it, the other headers are all that there is"
#endif

#include <coffer/time/zones.ipp>
