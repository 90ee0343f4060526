// SPDX-License-Identifier: BSL-1.0
#pragma once
// The store concept's operations on the runs of jobs, in a few words.

#include "store/store_world.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace store_test {

/// The operations on runs, by run number, of process `p`.
class runs_in {
public:
    explicit runs_in(world& w) : w_{w} {}

    coffer::run_limits limits{25, 3};

    [[nodiscard]] coffer::record_id id(std::string const& job = "job") {
        return w_.backend().id_of(coffer::key{"report", job});
    }
    coffer::outcome<coffer::run_verdict> begin(int n, int p = 0, std::string const& job = "job") {
        coffer::run_request q;
        q.id = claim_number(n);
        q.limits = limits;
        return w_.get(w_.backend(p).begin_run(id(job), q));
    }
    auto note(int n, std::string const& step, int p = 0, coffer::duration lease = 15min) {
        return w_.get(w_.backend(p).note_step({id(), claim_number(n)}, step, lease));
    }
    auto fail(int n, std::string const& signature, int p = 0, std::string const& job = "job") {
        return w_.get(w_.backend(p).end_run({id(job), claim_number(n)}, coffer::run_failure{signature}));
    }
    auto finish(std::vector<coffer::record_id> const& answers = {}, int p = 0) {
        return w_.get(w_.backend(p).finish_run(id(), answers));
    }
    auto reopen(int p = 0) { return w_.get(w_.backend(p).reopen_run(id())); }
    std::shared_ptr<coffer::run_record const> peek(int p = 0) { return w_.get(w_.backend(p).peek_run(id())).value(); }
    auto list(coffer::run_filter const& f = {}, int p = 0) { return w_.get(w_.backend(p).list_runs(f)).value(); }
    void failing_run(int n, std::string const& signature = "x", std::string const& job = "job") {
        (void)begin(n, 0, job).value();
        ASSERT_TRUE(fail(n, signature, 0, job));
    }

private:
    world& w_;
};

template <class T>
[[nodiscard]] bool is_run(coffer::outcome<coffer::run_verdict> const& v) {
    return v.has_value() && std::holds_alternative<T>(*v);
}

}  // namespace store_test
