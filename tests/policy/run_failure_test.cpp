// SPDX-License-Identifier: BSL-1.0
// Which failures of a job are the same, and which are none of its own.

#include <coffer/policy/run_failure.hpp>

#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

namespace run_failure_test {
namespace {

using coffer::failure_of;
using coffer::fault;
using coffer::fault_kind;
using coffer::knowledge;

template <class E>
coffer::run_failure thrown(E e, std::string const& step = "") {
    return failure_of(std::make_exception_ptr(std::move(e)), [&](fault const&) { return step; });
}

struct my_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

TEST(run_failure, of_an_exception_is_its_type_and_a_digest_of_its_message) {
    auto const f = thrown(std::runtime_error{"no such column: body"});
    EXPECT_TRUE(f.signature.starts_with("std::runtime_error, message ")) << f.signature;
    EXPECT_EQ(f.signature.size(), std::string{"std::runtime_error, message "}.size() + 16);
    EXPECT_EQ(f.signature.find("column"), std::string::npos) << "the message is somebody else's";
    EXPECT_EQ(f.signature, thrown(std::runtime_error{"no such column: body"}).signature);
    EXPECT_NE(f.signature, thrown(std::runtime_error{"no such column: head"}).signature);
    EXPECT_NE(f.signature, thrown(my_error{"no such column: body"}).signature);
    EXPECT_FALSE(f.passing || f.unbilled);
    EXPECT_EQ(thrown(7).signature, "an exception of unknown type");
}

TEST(run_failure, is_the_same_whatever_numbers_and_ids_it_names) {
    auto const digest = [](char const* text) { return coffer::detail::digest_of_message(text); };
    EXPECT_EQ(digest("row 17 of job 4a-00f7 at 0x7ffe12ab"), digest("row 180 of job 77b-1 at 0x55"));
    EXPECT_EQ(digest("id=abc123"), digest("id=9"));
    EXPECT_NE(digest("row 17"), digest("column 17"));
    EXPECT_NE(digest("a b"), digest("b a"));
    EXPECT_NE(digest("row 1 2"), digest("row 1"));
    EXPECT_NE(digest(""), digest(" "));
    EXPECT_EQ(digest("").size(), 16U);
}

TEST(run_failure, of_a_fault_is_its_kind_status_code_and_step) {
    auto const why = fault{fault_kind::invalid_request, "your prompt is wrong"}.with_status(400).with_code("bad_model");
    EXPECT_EQ(failure_of(why, "draft").signature, "invalid_request, status 400, code bad_model, at draft");
    EXPECT_EQ(failure_of(fault{fault_kind::unresolved}, "").signature, "unresolved");
    auto const same = thrown(coffer::failure{why}, "draft");
    EXPECT_EQ(same.signature, failure_of(why, "draft").signature);
    auto const operation = fault{fault_kind::permanent, "row 3"}.with_cause(std::make_exception_ptr(my_error{"row 3"}));
    EXPECT_TRUE(failure_of(operation, "a").signature.starts_with("permanent, message "));
}

TEST(run_failure, of_a_preflight_is_the_runs_and_not_a_steps) {
    EXPECT_EQ(failure_of(fault{fault_kind::preflight_failed}, "a").signature,
              failure_of(fault{fault_kind::preflight_failed}, "b").signature);
}

TEST(run_failure, of_several_exceptions_is_that_of_the_first) {
    auto const first = std::make_exception_ptr(coffer::failure{fault{fault_kind::content_policy}});
    EXPECT_EQ(thrown(asio::multiple_exceptions{first}, "draft").signature, "content_policy, at draft");
}

TEST(run_failure, that_time_can_mend_passes_and_costs_nothing_if_it_was_not_billed) {
    for (auto const k :
         {fault_kind::throttled, fault_kind::in_progress, fault_kind::store_unavailable, fault_kind::draining,
          fault_kind::cancelled, fault_kind::circuit_open, fault_kind::over_budget, fault_kind::unresolved}) {
        EXPECT_TRUE(failure_of(fault{k}, "").passing) << k;
        EXPECT_TRUE(failure_of(fault{k}, "").unbilled) << k;
    }
    auto const unsure = failure_of(fault{fault_kind::ambiguous}, "");
    EXPECT_TRUE(unsure.passing);
    EXPECT_FALSE(unsure.unbilled);
    for (auto const k : {fault_kind::never_fits, fault_kind::invalid_request, fault_kind::defective_answer,
                         fault_kind::permanent, fault_kind::preflight_failed})
        EXPECT_FALSE(failure_of(fault{k}, "").passing) << k;
    EXPECT_TRUE(thrown(std::system_error{asio::error::operation_aborted}).passing);
    EXPECT_FALSE(thrown(std::system_error{std::make_error_code(std::errc::no_space_on_device)}).passing);
}

}  // namespace
}  // namespace run_failure_test
