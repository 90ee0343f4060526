// SPDX-License-Identifier: BSL-1.0
#pragma once
// What is compiled where it is called, and not wherever its header is included.

#include <coffer/config.hpp>

namespace coffer::inline COFFER_ABI {

/// The parameter of templates that would be no templates if compiling were free:
///
///     template <class = on_use>
///     awaitable<void> acknowledge(key k) const;
///
/// A compiler instantiates whatever an inline function refers to, called or not, and g++ emits every inline coroutine of every
/// header at -O0. A template waits until somebody calls it. Callers see no difference, except that the function has no
/// single address. Whoever calls such a function in a header should be one, too, or nothing is gained: see bench/compile_time.
using on_use = void;

}  // namespace coffer::inline COFFER_ABI
