// SPDX-License-Identifier: BSL-1.0
#pragma once
// The billing ledger: what was sent and what was billed, on disk before the client can know of it. Opened on a file
// that exists, it goes on counting there.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.hpp"
#include "ledger/entry.hpp"
#include "ledger/line_file.hpp"
#include "ledger/tally.hpp"

namespace provider_sim {

class ledger {
public:
    /// Throws std::runtime_error if the file is corrupt, in use or not to be opened.
    explicit ledger(std::filesystem::path path);

    /// Counts the request: sets its nth, send_seq and mark.
    void note_send(entry& e);
    /// Returns when the bill is on disk.
    void note_bill(entry& e);
    void note_end(entry const& e);
    void note_partial(entry& e);

    /// From here on lines carry this name. A reset also starts all counts anew, in the file too.
    void note_mark(std::string const& name, bool reset);

    [[nodiscard]] std::uint64_t sends_of(std::string const& key) const { return tally_.sends_of(key); }
    [[nodiscard]] json count(tally_query const& query) const { return tally_.count(query); }
    [[nodiscard]] std::uint64_t seq() const noexcept { return seq_; }
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return file_.path(); }

private:
    bool take_back(std::string const& line);
    std::uint64_t write(record const& line);

    std::uint64_t seq_ = 0;
    tally tally_;
    line_file file_;  // last: reading it back fills the others
};

}  // namespace provider_sim
