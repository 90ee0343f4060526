// SPDX-License-Identifier: BSL-1.0
// says: with -fno-rtti standalone Asio needs -DASIO_NO_TYPEID, and both the whole program
// flags: -fno-rtti
#include <coffer/coffer.hpp>
