// SPDX-License-Identifier: BSL-1.0
#include <coffer/http/curl_sigpipe.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>

namespace coffer::inline COFFER_ABI::http::curl::curl_sigpipe_test {
namespace {

bool blocked() {
    sigset_t now;
    sigemptyset(&now);
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, SIGPIPE) == 1;
}
bool pending() {
    sigset_t now;
    sigemptyset(&now);
    sigpending(&now);
    return sigismember(&now, SIGPIPE) == 1;
}
/// Raises SIGPIPE in this thread, as a TLS library would.
void write_to_nobody() {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);
    EXPECT_EQ(::write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    ::close(ends[1]);
}

TEST(http_sigpipe, is_survived_and_leaves_no_trace) {
    ASSERT_FALSE(blocked());
    {
        sigpipe_guard const guard{true};
        EXPECT_TRUE(blocked());
        write_to_nobody();
        write_to_nobody();
    }
    EXPECT_FALSE(blocked());
    EXPECT_FALSE(pending());
}

TEST(http_sigpipe, of_somebody_else_stays_pending) {
    sigset_t pipe;
    sigset_t before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    write_to_nobody();
    {
        sigpipe_guard const guard{true};
    }
    EXPECT_TRUE(pending());
    EXPECT_TRUE(blocked());
    int which = 0;
    sigwait(&pipe, &which);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(http_sigpipe, is_let_alone_if_not_needed) {
    sigpipe_guard const guard{false};
    EXPECT_FALSE(blocked());
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::curl::curl_sigpipe_test
