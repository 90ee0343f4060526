// SPDX-License-Identifier: BSL-1.0
#pragma once
// Is this program built with a sanitizer? ThreadSanitizer ends a process that was forked off beside threads and starts one,
// and with each of them a fork takes many times as long.

#if defined(__has_feature)
#define COFFER_TEST_HAS_FEATURE(feature) __has_feature(feature)
#else
#define COFFER_TEST_HAS_FEATURE(feature) 0
#endif

namespace support {

#if defined(__SANITIZE_THREAD__) || COFFER_TEST_HAS_FEATURE(thread_sanitizer)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

#if defined(__SANITIZE_ADDRESS__) || COFFER_TEST_HAS_FEATURE(address_sanitizer)
inline constexpr bool under_a_sanitizer = true;
#else
inline constexpr bool under_a_sanitizer = under_thread_sanitizer;
#endif

}  // namespace support

#undef COFFER_TEST_HAS_FEATURE
