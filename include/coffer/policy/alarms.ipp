// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of alarms.hpp.

#include <coffer/policy/alarms.hpp>

#include <algorithm>
#include <stdexcept>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE void alarms_options::check() const {
    watch.check();
    if (tell.empty())
        throw std::invalid_argument{
            "coffer::alarms: nobody is told of an alarm; give options.tell a sink, e.g. coffer::on_alarm(...) or "
            "coffer::webhook"};
    if (std::any_of(tell.begin(), tell.end(), [](alarm_sink const& s) { return !s; }))
        throw std::invalid_argument{"coffer::alarms: a sink in options.tell is empty"};
    if (every <= duration::zero() || first_pause <= duration::zero())
        throw std::invalid_argument{"coffer::alarms: options.every and options.first_pause must be positive"};
}

COFFER_INLINE alarms::alarms(ledger const& where, alarms_options options)
    : shared_{std::make_shared<shared>(where.backend(), std::move(options))} {}

COFFER_INLINE alarms::alarms(store const& where, alarms_options options) : alarms{where.ledger(), std::move(options)} {}

COFFER_INLINE alarms::shared::shared(std::shared_ptr<ledger_backend> where, alarms_options o)
    : backend{std::move(where)}, options{(o.check(), std::move(o))} {}

COFFER_INLINE std::string alarms::trouble_of(shared const& s, std::exception_ptr const& failed) {
    try {
        std::rethrow_exception(failed);
    } catch (failure const& f) {
        report(s, f.what());
        auto const message = f.fault().message();
        return std::string{message.empty() ? to_string(f.fault().kind()) : message};
    } catch (std::exception const& e) {
        report(s, e.what());
    } catch (...) {
        report(s, "a sink threw something that is no std::exception");
    }
    return "a sink threw an exception of its own; alarms_options::on_trouble is told what it says";
}

COFFER_INLINE void alarms::report(shared const& s, std::string const& trouble) {
    if (!s.options.on_trouble) return;
    try {
        s.options.on_trouble(trouble);
    } catch (...) {  // whoever watches must not be able to break it
    }
}

COFFER_INLINE duration alarms::pause_after(shared const& s, int tries) {
    auto pause = s.options.first_pause;
    for (int i = 1; i < tries && pause < longest_pause; ++i) pause *= 2;
    return std::min<duration>(pause, longest_pause);
}

COFFER_INLINE bool alarms::knows(shared& s, std::string const& id, std::size_t sink) {
    std::lock_guard const lock{s.mutex};
    auto const known = s.told.find(id);
    return known != s.told.end() && known->second[sink];
}

COFFER_INLINE void alarms::note_told(shared& s, std::string const& id, std::size_t sink) {
    std::lock_guard const lock{s.mutex};
    if (s.told.size() >= most_told)
        s.told.clear();  // another process may have delivered them; at worst they hear twice
    auto& known = s.told[id];
    known.resize(s.options.tell.size());
    known[sink] = true;
}

COFFER_INLINE void alarms::forget(shared& s, std::string const& id) {
    std::lock_guard const lock{s.mutex};
    s.told.erase(id);
}

}  // namespace coffer::inline COFFER_ABI
