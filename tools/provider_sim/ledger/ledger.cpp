// SPDX-License-Identifier: BSL-1.0
#include "ledger/ledger.hpp"

#include <unistd.h>

#include "base/clock.hpp"

namespace provider_sim {

ledger::ledger(std::filesystem::path path)
    : file_{std::move(path), [this](std::string const& line) { return take_back(line); }} {
    write(record{{"seq", seq_ + 1}, {"kind", "start"}, {"t", now_us()}, {"sim_pid", ::getpid()}});
    file_.sync();
}

void ledger::note_send(entry& e) {
    e.mark = tally_.mark();
    e.nth = tally_.sends_of(e.key) + 1;
    e.send_seq = write(send_line(e, seq_ + 1));
}

void ledger::note_bill(entry& e) {
    e.billed = true;
    write(bill_line(e, seq_ + 1));
    file_.sync();
}

void ledger::note_end(entry const& e) { write(end_line(e, seq_ + 1)); }

void ledger::note_partial(entry& e) {
    e.mark = tally_.mark();
    write(partial_line(e, seq_ + 1));
}

void ledger::note_mark(std::string const& name, bool reset) {
    write(record{{"seq", seq_ + 1}, {"kind", "mark"}, {"t", now_us()}, {"name", name}, {"reset", reset}});
    file_.sync();
}

bool ledger::take_back(std::string const& line) {
    auto const parsed = record::parse(line, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("seq") || !parsed["seq"].is_number_unsigned()) return false;
    auto const seq = parsed["seq"].get<std::uint64_t>();
    if (seq != seq_ + 1) return false;  // a line is missing, or was copied twice
    try {
        if (!tally_.apply(parsed)) return false;
    } catch (record::exception const&) {
        return false;
    }
    seq_ = seq;
    return true;
}

std::uint64_t ledger::write(record const& line) {
    file_.append(to_line(line));
    tally_.apply(line);
    return ++seq_;
}

}  // namespace provider_sim
