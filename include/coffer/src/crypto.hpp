// SPDX-License-Identifier: BSL-1.0
#pragma once
// The definitions of what the providers and the SQLite store share, for the one file of a program that compiles them; see docs/install.md.

#include <coffer/config.hpp>

#if !defined(COFFER_SEPARATE_COMPILATION)
#error \
    "coffer/src/ is for programs that define COFFER_SEPARATE_COMPILATION, in every file; without it, the other headers are all that there is"
#endif

#include <coffer/crypto/aead.ipp>
#include <coffer/crypto/hash.ipp>
#include <coffer/crypto/key_ring.ipp>
