// SPDX-License-Identifier: BSL-1.0
#pragma once
// What the ledger knows of one request, and its three lines: "send" when it has been read, "bill" when it is billed,
// "end" when its answer is over. PROVIDERS §5 "Ledger record", as far as it applies. Times are microseconds since
// the Unix epoch. No credential and no text of a message is in it.

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "billing/price.hpp"
#include "billing/usage.hpp"

namespace provider_sim {

struct entry {
    // the connection and the request
    std::int64_t t_accept = 0;
    std::int64_t t_headers = 0;
    std::int64_t t_body_complete = 0;
    std::uint64_t conn_id = 0;
    std::uint64_t req_on_conn = 0;
    std::uint64_t index = 0;
    std::string http_ver;
    std::string provider;
    std::string method;
    std::string path;
    std::string model;
    std::string request_id;
    std::string idem_header;
    std::string client_key;
    std::string retry_count;
    std::string key;
    std::uint64_t nth = 0;
    std::size_t body_bytes = 0;
    std::optional<std::int64_t> pid;
    std::optional<std::int64_t> run;
    std::string mark;
    std::string fault;

    // what became of it
    std::uint64_t send_seq = 0;
    bool executed = false;
    bool billed = false;
    std::string bill_mode = "none";
    usage used;
    cost charged;

    // what left
    unsigned status = 0;
    std::string delivered = "none";  // none | partial | full
    std::size_t bytes_out = 0;
    std::int64_t t_first_byte_out = 0;
    std::int64_t client_gone_at = 0;
    record signal;                   // {"moment", "signal", "pid", "result"}, or null
};

record send_line(entry const& e, std::uint64_t seq);
record bill_line(entry const& e, std::uint64_t seq);
record end_line(entry const& e, std::uint64_t seq);

/// A request that never arrived whole.
record partial_line(entry const& e, std::uint64_t seq);

/// What GET /control/log shows of it.
record log_line(entry const& e);

}  // namespace provider_sim
