// SPDX-License-Identifier: BSL-1.0
#pragma once
// Rules of a record with one of them broken: by bending the row, or what is asked, around a call of the true ones.

#include "state/record_desk.hpp"

#include <optional>
#include <string>
#include <utility>

namespace coffer_test {

enum class flaw {
    none,
    permit_ignores_claim_id,
    release_ignores_claim_id,
    permit_ignores_max_sends,
    permit_ignores_lease,
    permit_ignores_stored_answer,
    answer_is_fenced,
    counted_after_the_send,
    lost_send_does_not_count,
    release_frees_a_sent_record,
    later_answer_replaces,
    lease_alone_guards_a_send,
    late_answer_hides_a_send,
    requests_not_compared,
    death_not_seen,
};

/// A desk at which one rule is broken.
struct bent_desk : desk {
    flaw broken = flaw::none;

    coffer::claim_verdict claim(int n, std::string const& owner, int max_sends, std::string const& model = "m") {
        auto const unguarded = broken == flaw::lease_alone_guards_a_send  ? coffer::record_state::sent
                               : broken == flaw::late_answer_hides_a_send ? coffer::record_state::answered
                                                                          : coffer::record_state::free;
        if (row.state == unguarded && now >= row.lease_until) row.held = false;
        std::set<std::string> seen;
        if (broken == flaw::death_not_seen) seen.swap(dead);
        auto verdict = desk::claim(n, owner, max_sends, broken == flaw::requests_not_compared ? "m" : model);
        if (broken == flaw::death_not_seen) seen.swap(dead);
        return verdict;
    }

    coffer::outcome<coffer::permitted> permit(int n, int expected, int max_sends) {
        switch (broken) {
            case flaw::permit_ignores_claim_id: return desk::permit(row.claim[0], expected, max_sends);
            case flaw::permit_ignores_max_sends: return desk::permit(n, expected, max_sends + 100);
            case flaw::permit_ignores_lease: {
                auto const lease = std::exchange(row.lease_until, now + 1h);
                auto p = desk::permit(n, expected, max_sends);
                row.lease_until = lease;
                return p;
            }
            case flaw::permit_ignores_stored_answer: {
                auto const before = row.sends;
                for (auto& s : row.sends)
                    if (s.state == coffer::send_state::answered) s.state = coffer::send_state::lost;
                auto p = desk::permit(n, expected, max_sends);
                for (std::size_t i = 0; i < before.size(); ++i) row.sends[i].state = before[i].state;
                return p;
            }
            case flaw::counted_after_the_send: {
                auto const before = row;
                auto p = desk::permit(n, expected, max_sends);
                if (p) {
                    row = before;
                    uncounted = expected;
                }
                return p;
            }
            default: return desk::permit(n, expected, max_sends);
        }
    }

    coffer::outcome<void> answer(int n, int send, std::string const& body) {
        count_late(n);
        if (broken == flaw::answer_is_fenced && (row.claim != claim_number(n) || !row.held))
            return coffer::failed(coffer::fault_kind::store_unavailable);
        return desk::answer(n, send, body);
    }
    coffer::outcome<void> accept(int send) {
        if (broken == flaw::later_answer_replaces && row.state == coffer::record_state::done) {
            for (auto& s : row.sends)
                if (s.state == coffer::send_state::accepted) s.state = coffer::send_state::answered;
            row.state = coffer::record_state::answered;
        }
        return desk::accept(send);
    }
    coffer::outcome<void> lost(int n, int send) {
        count_late(n);
        return broken == flaw::lost_send_does_not_count ? desk::unsend(n, send) : desk::lost(n, send);
    }
    coffer::outcome<void> unsend(int n, int send) {
        count_late(n);
        return desk::unsend(n, send);
    }
    coffer::outcome<void> release(int n) {
        auto done = desk::release(broken == flaw::release_ignores_claim_id ? row.claim[0] : n);
        if (broken == flaw::release_frees_a_sent_record && row.state == coffer::record_state::unknown) {
            row.sends.clear();
            row.state = coffer::record_state::free;
        }
        return done;
    }

private:
    void count_late(int n) {
        if (auto const expected = std::exchange(uncounted, std::nullopt)) (void)desk::permit(n, *expected, 100);
    }
    std::optional<int> uncounted;  ///< a send that nobody has counted yet
};

}  // namespace coffer_test
