// SPDX-License-Identifier: BSL-1.0
#pragma once
// Alarms of a ledger in memory. Its owner holds the lock.

#include <coffer/base/later.hpp>
#include <coffer/state/alarm_search.hpp>
#include <coffer/state/ledger_book.hpp>
#include <coffer/state/recent_denials.hpp>
#include <coffer/state/record.hpp>
#include <coffer/state/run.hpp>
#include <coffer/store/alarm_outbox.hpp>
#include <coffer/store/record_text.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI::detail {

class memory_alarms {
public:
    using time_point = std::chrono::system_clock::time_point;

    /// Finds what is new in the book, keeps it, and freezes what is to be frozen.
    [[nodiscard]] std::size_t look(alarm_watch const& watch, ledger_book& book, time_point now);

    [[nodiscard]] std::vector<kept_alarm> take(std::size_t most, std::chrono::nanoseconds lease, time_point now);
    void delivered(std::string const& id, time_point now);
    void failed(std::string const& id, std::string const& trouble, std::chrono::nanoseconds pause, time_point now);
    [[nodiscard]] std::vector<kept_alarm> list(alarm_filter const& f) const;

    /// An answer was replayed that nobody has acknowledged.
    void note_replay(record_id const& id, std::optional<money> saved);
    /// How a job stands; null: nobody knows it any more.
    void note_run(record_id const& job, run_record const* r);
    /// A budget has refused a call.
    void note_denial(budget_denial const& d, time_point now) { denials_.note(d, now); }
    void acknowledged(record_id const& id);

private:
    static constexpr std::size_t most_kept = 10'000;  // alarms, and keys whose replays are counted

    struct kept {
        kept_alarm of;
        time_point due{};
        bool froze = false;
    };
    struct overview {
        std::map<std::string, spend_history> hours;
        std::map<std::string, spend_trail> minutes;
        std::vector<paid_work> works;
    };

    /// What the entries say that are kept.
    [[nodiscard]] static overview look_through(ledger_book const& book, duplicate_work_rule const& rule,
                                               time_point now);
    [[nodiscard]] static std::string deepest(std::set<std::string_view> const& scopes);
    [[nodiscard]] std::vector<replayed_key> replays() const;
    void keep(alarm_report const& a, alarm_state state);
    [[nodiscard]] static bool older(kept_alarm const& a, kept_alarm const& b);

    time_point last_ = time_point::max();
    std::map<std::string, kept> kept_;
    std::map<std::string, anomaly_memory> remembered_;
    std::map<std::string, replayed_key> replays_;
    std::map<std::string, stopped_job> stopped_;
    recent_denials denials_;
};

}  // namespace coffer::inline COFFER_ABI::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/alarms_memory.ipp>
#endif
