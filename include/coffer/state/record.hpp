// SPDX-License-Identifier: BSL-1.0
#pragma once
// One key's row, as data: what every store keeps about one piece of paid work. The rules are in record_machine.hpp.

#include <coffer/base/answer.hpp>
#include <coffer/base/defaults.hpp>
#include <coffer/base/fault.hpp>
#include <coffer/base/fingerprint.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// What a store knows a key by: its namespace in the clear, the rest as the store keeps it (an HMAC on disk).
struct record_id {
    record_id() = default;
    /// Its namespace, and the rest as the store keeps it.
    record_id(std::string ns, std::string bytes);
    std::string name_space;  ///< in the clear
    std::string digest;  ///< an HMAC on disk, the key's own bytes in memory
    friend auto operator<=>(record_id const&, record_id const&) = default;
};

/// 128 random bits: a claim cannot be mistaken for another one, whatever a store forgets.
using claim_id = std::array<std::uint8_t, 16>;

/// The states of a record (DESIGN §3). A key without a row is FREE.
enum class record_state : std::uint8_t {
    free,      ///< nobody works on it and nothing is owed: no send counts
    claimed,   ///< somebody may work on it for a while; nothing was sent under this claim
    sent,      ///< a send was permitted; its answer is not known yet
    answered,  ///< at least one answer is stored, none is accepted
    done,      ///< an answer is accepted; it never changes
    failed,    ///< a fault of the request itself
    unknown,   ///< given up with a send unaccounted for
    acked,     ///< the caller stored the result where it belongs; the payload may go
    expired,   ///< paid, never acknowledged, payload dropped: never a silent new bill
};

/// Its name, as stores write it.
[[nodiscard]] constexpr std::string_view to_string(record_state s) noexcept {
    constexpr std::array<std::string_view, 9> names{"free",   "claimed", "sent",  "answered", "done",
                                                    "failed", "unknown", "acked", "expired"};
    return names[static_cast<std::size_t>(s)];
}

/// What became of one permitted send.
enum class send_state : std::uint8_t {
    permitted,  ///< may have reached the provider; nothing came back yet
    lost,       ///< its attempt ended, perhaps executed, without an answer
    answered,   ///< its raw answer is stored, not judged yet
    accepted,   ///< its answer is the record's
    defective,  ///< billed and unusable; payload kept
    unsent,     ///< proven unbilled: does not count
    supplied,   ///< no send at all: an operator brought the answer, which is judged like any other; does not count
};

/// Its name, as stores write it.
[[nodiscard]] constexpr std::string_view to_string(send_state s) noexcept {
    constexpr std::array<std::string_view, 7> names{"permitted", "lost",   "answered", "accepted",
                                                    "defective", "unsent", "supplied"};
    return names[static_cast<std::size_t>(s)];
}

/// One permitted send: who, when, where, what came of it.
struct send_record {
    int number = 0;  ///< 1-based, over the record's whole life
    send_state state = send_state::permitted;  ///< what became of it
    claim_id claim{};  ///< under which it was permitted
    std::string owner;  ///< the process that made it, as the store names processes
    std::chrono::steady_clock::time_point permitted_until{};  ///< its attempt has certainly ended by then
    std::chrono::system_clock::time_point permitted_at{};  ///< by the wall clock, for people
    std::chrono::system_clock::time_point ended_at{};  ///< when its end became known; the epoch: not yet
    std::string provider;  ///< where it went; empty: nobody says
    std::string model;  ///< which model it asked; empty: nobody says
    shared_answer reply;       ///< raw, once there is one; without its body once the payload was dropped
    std::optional<fault> why;  ///< lost, defective: what was known of it

    /// Is it not proven unbilled?
    [[nodiscard]] bool counts() const noexcept { return state != send_state::unsent && state != send_state::supplied; }
    /// May an answer to it still exist somewhere?
    [[nodiscard]] bool unaccounted() const noexcept {
        return state == send_state::permitted || state == send_state::lost;
    }
};

/// One key's row. Times of leases are steady (one host, one boot), times of expiry are wall-clock times.
struct record {
    record_state state = record_state::free;  ///< who may do what is in record_machine.hpp
    fingerprint print{};  ///< of the request that the key stands for
    bool print_known = true;  ///< false: the row was made for a late answer whose request nobody told
    claim_id claim{};  ///< the last claim; it stays after its end, so that repeating its operations is harmless
    bool held = false;  ///< the claim has neither been given up nor reached its end
    std::string owner;  ///< the process that claimed it, as the store names processes
    std::uint64_t token = 0;  ///< grows with every claim of the store: a fencing token for the caller's own writes
    std::chrono::steady_clock::time_point lease_until{};  ///< of the last claim; it guards claims, not sends
    int claims = 0;  ///< ever granted
    int max_sends = 0;  ///< of the last claim
    int granted_sends = 0;  ///< sends beyond `max_sends` that an operator granted
    bool cached = false;  ///< equal requests share it for a while; when that is over it goes, whatever its state
    // How long things are kept, as the last claim wanted it.
    /// After a send's own limit, before another owner may take over.
    std::chrono::nanoseconds takeover_grace = defaults::takeover_grace;
    std::chrono::nanoseconds acknowledged_kept = defaults::acknowledged_kept;  ///< from the acknowledgement on
    std::chrono::nanoseconds unacknowledged_kept = defaults::unacknowledged_kept;  ///< from the answer on
    std::vector<send_record> sends;  ///< in the order of their permits
    std::optional<fault> stored_fault;  ///< FAILED: what is replayed
    std::chrono::system_clock::time_point created{};  ///< by the wall clock
    std::chrono::system_clock::time_point updated{};  ///< by the wall clock; the last change
    /// When it goes, or becomes EXPIRED, by trusted time.
    std::chrono::system_clock::time_point expires{std::chrono::system_clock::time_point::max()};

    /// Sends that are not proven unbilled: what `max_sends` bounds.
    [[nodiscard]] int counted_sends() const noexcept;
    /// How many may count under the last claim's `max_sends`.
    [[nodiscard]] int allowed_sends() const noexcept { return max_sends + granted_sends; }
    /// The same for one who asks with another `max_sends`. What was granted is a number of sends altogether: it is not
    /// more for who allows himself more.
    [[nodiscard]] int allowed_sends(int with_max) const noexcept;

    /// Is there a send in that state?
    [[nodiscard]] bool any(send_state s) const noexcept;
    /// Is there an answer that nobody has judged yet? (While the record is open.)
    [[nodiscard]] bool undecoded() const noexcept;
    /// Once an answer was accepted: the send that it belongs to.
    [[nodiscard]] send_record const* accepted() const noexcept;
    /// What is known of its cost, of all sends; nothing if no cost is known.
    [[nodiscard]] std::optional<money> known_cost() const noexcept;
    /// What the record is once nobody works on it any more, by its sends alone. Nobody chooses it.
    [[nodiscard]] record_state at_rest() const noexcept;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/record.ipp>
#endif
