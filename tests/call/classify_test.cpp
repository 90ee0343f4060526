// SPDX-License-Identifier: BSL-1.0
#include <coffer/call/classify.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace classify_test {
namespace {

using namespace coffer;
using enum fault_kind;

TEST(classify, tells_network_errors_apart_by_what_they_prove) {
    struct expected {
        std::error_code code;
        fault_kind kind;
    };
    std::vector<expected> const table{
        {make_error_code(std::errc::connection_refused), not_sent},
        {make_error_code(std::errc::host_unreachable), not_sent},
        {make_error_code(std::errc::network_unreachable), not_sent},
        {make_error_code(std::errc::network_down), not_sent},
        {make_error_code(std::errc::address_not_available), not_sent},
        {make_error_code(asio::error::connection_refused), not_sent},
        {make_error_code(asio::error::host_not_found), not_sent},
        {make_error_code(asio::error::host_not_found_try_again), not_sent},
        {make_error_code(asio::error::service_not_found), not_sent},
        {make_error_code(std::errc::connection_reset), ambiguous},
        {make_error_code(std::errc::connection_aborted), ambiguous},
        {make_error_code(std::errc::broken_pipe), ambiguous},
        {make_error_code(std::errc::timed_out), ambiguous},
        {make_error_code(std::errc::network_reset), ambiguous},
        {make_error_code(asio::error::connection_reset), ambiguous},
        {make_error_code(asio::error::timed_out), ambiguous},
        {make_error_code(asio::error::eof), ambiguous},
        {make_error_code(asio::error::operation_aborted), aborted},
        {make_error_code(std::errc::operation_canceled), aborted},
        {make_error_code(asio::error::not_found), permanent},
        {make_error_code(asio::error::fd_set_failure), permanent},
        {make_error_code(std::errc::permission_denied), permanent},
        {make_error_code(std::errc::no_such_file_or_directory), permanent},
        {std::error_code{}, permanent},
    };
    for (auto const& e : table)
        EXPECT_EQ(classify_error(e.code), e.kind) << e.code.category().name() << ": " << e.code.message();
    // The same numbers in the system's category, as a socket reports them.
    EXPECT_EQ(classify_error({ECONNREFUSED, std::system_category()}), not_sent);
    EXPECT_EQ(classify_error({ECONNRESET, std::system_category()}), ambiguous);
    EXPECT_EQ(classify_error({ECANCELED, std::system_category()}), aborted);
}

template <class E>
fault of(E e) {
    return classify_exception(std::make_exception_ptr(std::move(e)));
}

TEST(classify, knows_what_asio_throws) {
    using asio_error = coffer::detail::asio_system_error;
    EXPECT_EQ(of(asio_error{asio::error::connection_refused}).kind(), not_sent);
    EXPECT_EQ(of(asio_error{asio::error::host_not_found}).kind(), not_sent);
    EXPECT_EQ(of(asio_error{asio::error::service_not_found}).kind(), not_sent);
    EXPECT_EQ(of(asio_error{asio::error::connection_reset}).kind(), ambiguous);
    EXPECT_EQ(of(asio_error{asio::error::eof}).kind(), ambiguous);
    EXPECT_EQ(of(asio_error{asio::error::operation_aborted}).kind(), aborted);
    EXPECT_EQ(of(asio_error{asio::error::no_permission}).kind(), permanent);
    EXPECT_NE(of(asio_error{asio::error::eof}).cause(), nullptr);
    // And what others throw for the same, whichever Asio it is.
    EXPECT_EQ(of(std::system_error{ECONNREFUSED, std::system_category()}).kind(), not_sent);
    EXPECT_EQ(of(std::system_error{make_error_code(std::errc::connection_reset)}).kind(), ambiguous);
}

TEST(classify, any_other_exception_is_permanent) {
    EXPECT_EQ(of(std::runtime_error{"x"}).kind(), permanent);
    EXPECT_EQ(of(std::runtime_error{"x"}).code(), "no_rule");
    EXPECT_EQ(of(std::system_error{std::make_error_code(std::errc::connection_reset)}).code(), "");
    EXPECT_EQ(of(std::runtime_error{"x"}).message(), "x");
    EXPECT_EQ(of(std::string{"no exception class"}).kind(), permanent);
    EXPECT_EQ(of(std::string{"no exception class"}).message(), "an exception of unknown type");
    EXPECT_EQ(of(std::logic_error{"a user's logic"}).kind(), permanent);
    EXPECT_NE(of(1).cause(), nullptr);
}

TEST(classify, a_failure_is_its_fault) {
    auto const f = of(failure{fault{throttled, "x"}.with_status(429).with_stop(stop_reason::deadline)});
    EXPECT_EQ(f.kind(), throttled);
    EXPECT_EQ(f.status(), 429);
    EXPECT_EQ(f.stop(), stop_reason::deadline);
}

TEST(classify, misuse_and_lack_of_memory_are_no_faults) {
    EXPECT_THROW((void)of(misuse{"x"}), misuse);
    EXPECT_THROW((void)of(std::bad_alloc{}), std::bad_alloc);
}

}  // namespace
}  // namespace classify_test
