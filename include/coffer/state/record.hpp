// SPDX-License-Identifier: BSL-1.0
#pragma once
// One key's row, as data: what every store keeps about one piece of paid work. The rules are in record_machine.hpp.

#include <coffer/base/answer.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace coffer::inline v0 {

/// What a store knows a key by: its namespace in the clear, the rest as the store keeps it (an HMAC on disk).
struct record_id {
    record_id() = default;
    record_id(std::string ns, std::string bytes) : name_space{std::move(ns)}, digest{std::move(bytes)} {}
    std::string name_space;
    std::string digest;
    friend auto operator<=>(record_id const&, record_id const&) = default;
};

/// 128 random bits: a claim cannot be mistaken for another one, whatever a store forgets.
using claim_id = std::array<std::uint8_t, 16>;

/// The states of a record (DESIGN §3). A key without a row is FREE.
enum class record_state : std::uint8_t {
    free,      ///< nobody works on it and nothing is owed
    claimed,   ///< somebody may work on it for a while; nothing was sent under this claim
    sent,      ///< a send was permitted; its answer is not known yet
    answered,  ///< at least one answer is stored, none is accepted
    done,      ///< an answer is accepted; it never changes
    failed,    ///< a fault of the request itself
    unknown,   ///< given up with a send unaccounted for
    acked,     ///< the caller stored the result where it belongs; the payload may go
    expired,   ///< paid, never acknowledged, payload dropped: never a silent new bill
};

[[nodiscard]] constexpr std::string_view to_string(record_state s) noexcept {
    constexpr std::array<std::string_view, 9> names{"free", "claimed", "sent",  "answered", "done",
                                                    "failed", "unknown", "acked", "expired"};
    return names[static_cast<std::size_t>(s)];
}

/// What became of one permitted send.
enum class send_state : std::uint8_t {
    permitted,  ///< may have reached the provider; nothing came back yet
    lost,       ///< its attempt ended, perhaps executed, without an answer
    answered,   ///< its raw answer is stored, not judged yet
    accepted,
    defective,  ///< billed and unusable; payload kept
    unsent,     ///< proven unbilled: does not count
};

/// One permitted send: who, when, where, what came of it.
struct send_record {
    int number = 0;  ///< 1-based, over the record's whole life
    send_state state = send_state::permitted;
    claim_id claim{};
    std::string owner;
    std::chrono::steady_clock::time_point permitted_until{};  ///< its attempt has certainly ended by then
    std::chrono::system_clock::time_point permitted_at{};
    std::string provider;
    std::string model;
    std::optional<answer> reply;  ///< raw, once there is one
};

/// One key's row. Times of leases are steady (one host, one boot), times of expiry are wall-clock times.
struct record {
    record_state state = record_state::free;
    fingerprint print;
    claim_id claim{};
    std::string owner;          ///< the process that claimed it, as the store names processes
    std::uint64_t token = 0;    ///< grows with every claim of the store: a fencing token for the caller's own writes
    std::chrono::steady_clock::time_point lease_until{};
    int claims = 0;
    int granted_sends = 0;      ///< sends an operator granted on top of `max_sends`
    std::vector<send_record> sends;
    std::optional<fault> stored_fault;  ///< FAILED: what is replayed
    std::chrono::system_clock::time_point created{};
    std::chrono::system_clock::time_point updated{};
    std::chrono::system_clock::time_point expires{std::chrono::system_clock::time_point::max()};

    /// Sends that are not proven unbilled: what `max_sends` bounds.
    [[nodiscard]] int counted_sends() const noexcept {
        int n = 0;
        for (auto const& s : sends) n += s.state != send_state::unsent ? 1 : 0;
        return n;
    }
};

}  // namespace coffer::inline v0
