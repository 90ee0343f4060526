// SPDX-License-Identifier: BSL-1.0
// What may be wrapped: what operations take and give, what else they offer, and how their ends are understood.
#include <coffer/call/guarded.hpp>
#include <coffer/call/pipeline.hpp>

#include "support/simulation.hpp"

#include <gtest/gtest.h>

#if __has_include(<expected>)
#include <expected>
#endif
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace mine {  // an error type of a user, found by its namespace

struct error {
    int code = 0;
};
inline coffer::fault to_fault(error const& e) {
    if (e.code == 0) throw std::runtime_error{"no such code"};
    return coffer::fault{e.code == 429 ? coffer::fault_kind::throttled : coffer::fault_kind::transient}.with_status(
        e.code);
}

}  // namespace mine

namespace operation_test {
namespace {

using namespace coffer;
using namespace coffer::literals;
using support::simulation;

struct request {
    std::string prompt;
    int size = 0;
};

/// Wraps and runs an operation once; the call is kept for a look.
class operation : public ::testing::Test {
protected:
    simulation sim;
    call c{key{"test", 1}, std::chrono::hours{1}};

    template <class Op, class... Args>
    auto run(Op const& op, Args&... args) {
        return sim.run(pipeline{}.wrap(op).try_call(c, args...));
    }
    [[nodiscard]] attempt_record const& entry() const { return c.log().back(); }
};

// What they take -----------------------------------------------------------------------------------------------------------

awaitable<int> of_arguments(int a, int b) { co_return a + b; }
awaitable<int> of_attempt(attempt& a, request const& r) { co_return a.number() * 100 + r.size; }
awaitable<int> of_nothing() { co_return 1; }

TEST_F(operation, takes_the_arguments_or_the_attempt_and_the_arguments) {
    int a = 1, b = 2;
    request const r{"p", 7};
    EXPECT_EQ(run(of_arguments, a, b), 3);
    EXPECT_EQ(run(of_attempt, r), 107);
    EXPECT_EQ(run(of_nothing), 1);
}

TEST_F(operation, may_be_any_const_callable) {
    struct object {
        int factor;
        awaitable<int> operator()(int n) const { return of_arguments(n, factor); }
    };
    int n = 5;
    EXPECT_EQ(run(object{2}, n), 7);
    auto const shared = std::make_shared<int>(40);
    auto const closure = [shared](int m) { return of_arguments(m, *shared); };
    EXPECT_EQ(run(closure, n), 45);
    std::function<awaitable<int>(int)> const erased = closure;
    EXPECT_EQ(run(erased, n), 45);
}

TEST_F(operation, may_change_an_argument_that_was_given_to_be_changed) {
    auto const fill = [](std::string& out) -> awaitable<void> {
        out = "filled";
        co_return;
    };
    std::string out;
    EXPECT_TRUE(run(fill, out).has_value());
    EXPECT_EQ(out, "filled");
}

// What they give -----------------------------------------------------------------------------------------------------------

TEST_F(operation, gives_plain_values) {
    EXPECT_EQ(run([]() -> awaitable<std::string> { co_return "text"; }), "text");
    EXPECT_EQ(**run([]() -> awaitable<std::unique_ptr<int>> { co_return std::make_unique<int>(3); }), 3);
    auto const r = run([]() -> awaitable<request> { co_return request{std::string(100, 'x'), 4}; });
    EXPECT_EQ(r->prompt, std::string(100, 'x'));
    EXPECT_TRUE(run([]() -> awaitable<void> { co_return; }).has_value());
    EXPECT_EQ(entry().billing, knowledge::yes) << "a success is billed";
}

TEST_F(operation, gives_outcomes) {
    EXPECT_EQ(run([]() -> awaitable<outcome<int>> { co_return 5; }), 5);
    auto const failing = []() -> awaitable<outcome<int>> {
        co_return failed(fault{fault_kind::throttled, "slow"}.with_status(429));
    };
    auto const why = run(failing).error();
    EXPECT_EQ(why.kind(), fault_kind::throttled);
    EXPECT_EQ(why.status(), 429);
    EXPECT_TRUE(run([]() -> awaitable<outcome<void>> { co_return outcome<void>{}; }).has_value());
    EXPECT_EQ(run([]() -> awaitable<outcome<void>> { co_return failed(fault_kind::overloaded); }).error().kind(),
              fault_kind::overloaded);
    EXPECT_EQ(**run([]() -> awaitable<outcome<std::unique_ptr<int>>> { co_return std::make_unique<int>(3); }), 3);
}

TEST_F(operation, gives_expected_values_with_errors_of_its_own) {
    using result = tl::expected<int, mine::error>;
    EXPECT_EQ(run([]() -> awaitable<result> { co_return 5; }), 5);
    auto const why = run([]() -> awaitable<result> { co_return tl::unexpected{mine::error{429}}; }).error();
    EXPECT_EQ(why.kind(), fault_kind::throttled);
    EXPECT_EQ(why.status(), 429);
    EXPECT_EQ(run([]() -> awaitable<tl::expected<void, mine::error>> { co_return tl::unexpected{mine::error{500}}; })
                  .error()
                  .kind(),
              fault_kind::transient);
}

TEST_F(operation, a_to_fault_that_throws_makes_it_permanent) {
    auto const op = []() -> awaitable<tl::expected<int, mine::error>> { co_return tl::unexpected{mine::error{0}}; };
    auto const why = run(op).error();
    EXPECT_EQ(why.kind(), fault_kind::permanent);
    EXPECT_EQ(why.message(), "no such code");
}

TEST_F(operation, errors_without_to_fault_are_the_classifiers) {
    auto const op = []() -> awaitable<tl::expected<std::string, std::error_code>> {
        co_return tl::unexpected{make_error_code(std::errc::connection_refused)};
    };
    auto const rule = [](std::error_code const& e) { return fault{classify_error(e)}; };
    EXPECT_EQ(run(describe(op).classify(rule)).error().kind(), fault_kind::not_sent);
}

#if defined(__cpp_lib_expected)
TEST_F(operation, gives_the_standards_expected_values) {
    using result = std::expected<int, mine::error>;
    EXPECT_EQ(run([]() -> awaitable<result> { co_return 5; }), 5);
    EXPECT_EQ(run([]() -> awaitable<result> { co_return std::unexpected{mine::error{429}}; }).error().kind(),
              fault_kind::throttled);
    EXPECT_TRUE(
        run([]() -> awaitable<std::expected<void, fault>> { co_return std::expected<void, fault>{}; }).has_value());
}
#endif

// How exceptions are understood ----------------------------------------------------------------------------------------------

template <class E>
auto throwing(E e) {
    auto const op = [e]() -> awaitable<int> {
        throw e;
        co_return 0;
    };
    return op;
}

TEST_F(operation, exceptions_become_faults_with_their_cause) {
    auto const network = [&](auto code) {
        return run(throwing(std::system_error{std::error_code{make_error_code(code)}})).error();
    };
    EXPECT_EQ(network(std::errc::connection_refused).kind(), fault_kind::not_sent);
    EXPECT_EQ(network(asio::error::host_not_found).kind(), fault_kind::not_sent);
    EXPECT_EQ(network(asio::error::connection_reset).kind(), fault_kind::ambiguous);
    EXPECT_EQ(network(asio::error::eof).kind(), fault_kind::ambiguous);
    EXPECT_EQ(network(asio::error::operation_aborted).kind(), fault_kind::aborted);
    EXPECT_EQ(network(std::errc::no_such_file_or_directory).kind(), fault_kind::permanent);

    auto const why = run(throwing(std::runtime_error{"broken"})).error();
    EXPECT_EQ(why.kind(), fault_kind::permanent);
    EXPECT_EQ(why.message(), "broken");
    EXPECT_EQ(why.billing(), knowledge::maybe);
    EXPECT_THROW(std::rethrow_exception(why.cause()), std::runtime_error);
    EXPECT_EQ(run(throwing(42)).error().kind(), fault_kind::permanent);
    EXPECT_THROW(std::rethrow_exception(run(throwing(42)).error().cause()), int);
}

TEST_F(operation, a_failure_of_another_pipeline_keeps_its_fault) {
    auto const why = run(throwing(failure{fault{fault_kind::over_budget, "inner"}.with_status(402)})).error();
    EXPECT_EQ(why.kind(), fault_kind::over_budget);
    EXPECT_EQ(why.status(), 402);
}

TEST_F(operation, misuse_and_lack_of_memory_are_thrown_on) {
    EXPECT_THROW(run(throwing(misuse{"a defect of the program"})), misuse);
    EXPECT_THROW(run(throwing(std::bad_alloc{})), std::bad_alloc);
    EXPECT_TRUE(c.log().empty());
}

TEST_F(operation, one_that_throws_before_it_is_a_coroutine_is_understood_alike) {
    auto const op = [](int) -> awaitable<int> { throw std::runtime_error{"at once"}; };
    int n = 0;
    EXPECT_EQ(run(op, n).error().message(), "at once");
}

TEST_F(operation, try_call_throws_nothing_else_and_the_call_throws_failure) {
    auto const ask = pipeline{}.wrap(throwing(std::runtime_error{"broken"}));
    EXPECT_NO_THROW((void)sim.run(ask.try_call(c)));
    try {
        sim.run(ask(c));
        FAIL() << "it must throw";
    } catch (failure const& f) {
        EXPECT_EQ(f.fault().kind(), fault_kind::permanent);
        EXPECT_THROW(std::rethrow_if_nested(f), std::runtime_error);
    }
}

// The user's rules -----------------------------------------------------------------------------------------------------------

TEST_F(operation, a_classifier_of_exceptions_overrules_the_built_in_ones) {
    auto const rule = [](std::exception_ptr const& e) {
        try {
            std::rethrow_exception(e);
        } catch (std::runtime_error const&) {
            return fault{fault_kind::transient, "known to pass"};
        } catch (...) {
            return fault{fault_kind::permanent};
        }
    };
    auto const why = run(describe(throwing(std::runtime_error{"x"})).classify(rule)).error();
    EXPECT_EQ(why.kind(), fault_kind::transient);
    EXPECT_THROW(std::rethrow_exception(why.cause()), std::runtime_error) << "the cause is kept";
}

TEST_F(operation, a_classifier_of_faults_has_the_last_word) {
    auto const rule = [](fault const& f) { return fault{f}.with_billing(knowledge::no).with_code("mine"); };
    auto const op = []() -> awaitable<outcome<int>> { co_return failed(fault_kind::ambiguous); };
    auto const why = run(describe(op).classify(rule)).error();
    EXPECT_EQ(why.kind(), fault_kind::ambiguous);
    EXPECT_EQ(why.code(), "mine");
    EXPECT_EQ(entry().billing, knowledge::no) << "also in the log";
    EXPECT_EQ(c.cost(), money{});
    EXPECT_EQ(run(describe(throwing(1)).classify(rule)).error().code(), "mine") << "after the built-in rules";
}

struct http_error : std::runtime_error {
    explicit http_error(int s) : std::runtime_error{"HTTP " + std::to_string(s)}, status{s} {}
    int status;
};

TEST_F(operation, a_classifier_may_take_the_exception_that_it_knows) {
    auto const rule = [](http_error const& e) { return fault{fault_kind::overloaded}.with_status(e.status); };
    auto const why = run(describe(throwing(http_error{503})).classify(rule)).error();
    EXPECT_EQ(why.kind(), fault_kind::overloaded);
    EXPECT_EQ(why.status(), 503);
    EXPECT_THROW(std::rethrow_exception(why.cause()), http_error);

    auto const other =
        run(describe(throwing(coffer::detail::asio_system_error{asio::error::connection_refused})).classify(rule))
            .error();
    EXPECT_EQ(other.kind(), fault_kind::not_sent) << "the built-in rules hold for what it does not know";
    auto const by_base = [](std::exception const&) { return fault{fault_kind::transient}; };
    EXPECT_EQ(run(describe(throwing(http_error{503})).classify(by_base)).error().kind(), fault_kind::transient);
    EXPECT_EQ(run(describe(throwing(1)).classify(by_base)).error().kind(), fault_kind::permanent) << "an int is thrown";
}

TEST_F(operation, a_classifier_may_know_nothing) {
    auto const rule = [](http_error const& e) -> std::optional<fault> {
        if (e.status == 503) return fault{fault_kind::overloaded};
        return std::nullopt;
    };
    EXPECT_EQ(run(describe(throwing(http_error{503})).classify(rule)).error().kind(), fault_kind::overloaded);
    auto const unknown = run(describe(throwing(http_error{418})).classify(rule)).error();
    EXPECT_EQ(unknown.kind(), fault_kind::permanent);
    EXPECT_EQ(unknown.message(), "HTTP 418");

    auto const of_faults = [](fault const& f) -> std::optional<fault> {
        if (f.kind() == fault_kind::throttled) return fault{fault_kind::quota_exhausted};
        return std::nullopt;
    };
    auto const fails_for = [](fault_kind kind) {
        return [kind]() -> awaitable<outcome<int>> { co_return failed(kind); };
    };
    EXPECT_EQ(run(describe(fails_for(fault_kind::throttled)).classify(of_faults)).error().kind(),
              fault_kind::quota_exhausted);
    EXPECT_EQ(run(describe(fails_for(fault_kind::overloaded)).classify(of_faults)).error().kind(),
              fault_kind::overloaded);
}

TEST_F(operation, a_classifier_that_throws_on_what_it_does_not_know_leaves_it_to_the_built_in_rules) {
    auto const rule = [](std::exception_ptr const& e) -> fault {
        try {
            std::rethrow_exception(e);
        } catch (http_error const& h) {
            return fault{fault_kind::overloaded}.with_status(h.status);
        }
    };
    EXPECT_EQ(run(describe(throwing(http_error{503})).classify(rule)).error().kind(), fault_kind::overloaded);
    auto const refused =
        run(describe(throwing(coffer::detail::asio_system_error{asio::error::connection_refused})).classify(rule))
            .error();
    EXPECT_EQ(refused.kind(), fault_kind::not_sent);
    EXPECT_EQ(refused.billing(), knowledge::no);
}

TEST_F(operation, a_classifier_that_throws_makes_it_permanent) {
    auto const rule = [](fault const&) -> fault { throw std::runtime_error{"the rule fell over"}; };
    auto const op = []() -> awaitable<outcome<int>> { co_return failed(fault_kind::throttled); };
    for (auto const& why :
         {run(describe(op).classify(rule)).error(), run(describe(throwing(1)).classify(rule)).error()}) {
        EXPECT_EQ(why.kind(), fault_kind::permanent);
        EXPECT_EQ(why.billing(), knowledge::maybe);
        EXPECT_EQ(why.message().substr(0, 48), "the classifier threw (the rule fell over), given");
        EXPECT_THROW(std::rethrow_exception(why.cause()), std::runtime_error);
    }
}

// What else they offer -------------------------------------------------------------------------------------------------------

TEST_F(operation, a_description_may_be_gone_on_with_and_a_target_may_be_one_for_all) {
    auto const begun = describe(throwing(1)).target(target{"somebody", "large"});
    auto const whole = describe(begun).classify([](int) { return fault{fault_kind::overloaded}; });
    EXPECT_EQ(run(whole).error().kind(), fault_kind::overloaded);
    EXPECT_EQ(entry().target.model, "large");
}

awaitable<outcome<answer>> raw(request const& r) {
    answer a{r.prompt, 200};
    a.request_id = "req-1";
    a.usage = usage{.input_fresh = 10, .output = 2};
    co_return a;
}

auto hooked() {
    return describe(raw)
        .target([](request const& r) { return target{"provider", "model-" + std::to_string(r.size)}; })
        .fingerprint([](request const& r) { return fingerprint{}.with("prompt", r.prompt); })
        .estimate([](request const&) { return estimate{10, 2, 1_usd}; })
        .decode([](answer const& a) -> outcome<int> {
            if (a.body == "explode") throw std::runtime_error{"unreadable"};
            if (a.body.empty()) return failed(fault_kind::defective_answer, "nothing in it");
            return static_cast<int>(a.body.size());
        })
        .bill([](answer const& a) { return billed{a.usage, 0.5_usd}; });
}

TEST_F(operation, hooks_say_where_it_goes_what_it_means_and_what_it_costs) {
    request const r{"four", 3};
    EXPECT_EQ(run(hooked(), r), 4);
    EXPECT_EQ(entry().target.provider, "provider");
    EXPECT_EQ(entry().target.model, "model-3");
    EXPECT_EQ(entry().request_id, "req-1");
    EXPECT_EQ(entry().usage->output, 2);
    EXPECT_EQ(entry().cost, 0.5_usd);
    EXPECT_EQ(c.cost(), 0.5_usd);
}

TEST_F(operation, a_defective_answer_is_billed) {
    request const empty{"", 1};
    auto const why = run(hooked(), empty).error();
    EXPECT_EQ(why.kind(), fault_kind::defective_answer);
    EXPECT_EQ(why.billing(), knowledge::yes);
    EXPECT_EQ(entry().cost, 0.5_usd);
    request const broken{"explode", 1};
    auto const thrown = run(hooked(), broken).error();
    EXPECT_EQ(thrown.kind(), fault_kind::defective_answer);
    EXPECT_EQ(thrown.message(), "decoding threw: unreadable");
    EXPECT_EQ(entry().cost, 0.5_usd);
}

TEST_F(operation, a_bill_of_one_without_decode_is_of_its_result) {
    auto const price = [](std::string const& text) {
        return billed{usage{.input_fresh = 5}, money::from_nano(static_cast<std::int64_t>(text.size()))};
    };
    std::string prompt = "seven";
    auto const plain = [](std::string const& p) -> awaitable<std::string> { co_return p + "!!"; };
    EXPECT_EQ(run(describe(plain).bill(price), prompt), "seven!!");
    EXPECT_EQ(entry().cost, money::from_nano(7));
    EXPECT_EQ(entry().usage->input_fresh, 5);
    auto const expected = [](std::string const& p) -> awaitable<outcome<std::string>> { co_return p; };
    EXPECT_EQ(run(describe(expected).bill(price), prompt), "seven");
    EXPECT_EQ(entry().cost, money::from_nano(5));
}

TEST_F(operation, a_bill_that_throws_costs_nobody_the_answer) {
    request const r{"four", 3};
    auto const op = hooked().bill([](answer const&) -> billed { throw std::runtime_error{"no price"}; });
    EXPECT_EQ(run(op, r), 4);
    EXPECT_EQ(entry().cost, std::nullopt) << "unknown is not zero";
    EXPECT_EQ(c.cost(), std::nullopt);
}

TEST_F(operation, a_target_that_throws_sends_nothing) {
    request const r{"four", 3};
    auto const why =
        run(hooked().target([](request const&) -> target { throw std::runtime_error{"where?"}; }), r).error();
    EXPECT_EQ(why.kind(), fault_kind::permanent);
    EXPECT_EQ(why.billing(), knowledge::no);
    EXPECT_EQ(why.message(), "where?");
    EXPECT_TRUE(c.log().empty());
}

TEST_F(operation, members_may_offer_the_same) {
    struct object {
        awaitable<outcome<answer>> operator()(attempt&, request const& r) const { return raw(r); }
        [[nodiscard]] coffer::target target(request const&) const { return {"p", "m"}; }
        [[nodiscard]] outcome<std::string> decode(answer const& a) const { return a.body + "!"; }
        [[nodiscard]] billed bill(answer const&) const { return {std::nullopt, 2_usd}; }
        [[nodiscard]] fault classify(fault const& f) const { return fault{f}.with_code("member"); }
    };
    request const r{"four", 3};
    EXPECT_EQ(run(object{}, r), "four!");
    EXPECT_EQ(entry().target.model, "m");
    EXPECT_EQ(entry().cost, 2_usd);
    // A description of such an object replaces only what it names.
    auto const described = describe(object{}).bill([](answer const&) { return billed{std::nullopt, 3_usd}; });
    EXPECT_EQ(run(described, r), "four!");
    EXPECT_EQ(entry().cost, 3_usd);
}

TEST_F(operation, one_without_hooks_may_report_itself) {
    auto const op = [](attempt& a) -> awaitable<outcome<int>> {
        a.report(usage{.output = 9});
        a.report_cost(0.25_usd);
        a.report_request_id("req-9");
        if (a.number() < 0) co_return 1;
        co_return failed(fault{fault_kind::ambiguous}.with_request_id("from the fault"));
    };
    (void)run(op);
    EXPECT_EQ(entry().usage->output, 9);
    EXPECT_EQ(entry().cost, 0.25_usd);
    EXPECT_EQ(entry().request_id, "req-9");
}

}  // namespace
}  // namespace operation_test
