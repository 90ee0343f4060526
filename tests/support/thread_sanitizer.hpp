// SPDX-License-Identifier: BSL-1.0
#pragma once
// Is this program built with ThreadSanitizer? It ends a process that was forked off beside threads and starts one.

#if defined(__SANITIZE_THREAD__)
#define COFFER_TEST_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COFFER_TEST_THREAD_SANITIZER 1
#endif
#endif

namespace support {

#if defined(COFFER_TEST_THREAD_SANITIZER)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif

}  // namespace support
