// SPDX-License-Identifier: BSL-1.0
#pragma once
// Where coffer gets its time and chance from: one clock per Asio context, real unless a test installs a virtual one.

#include <coffer/asio.hpp>
#include <coffer/base/later.hpp>
#include <coffer/time/random.hpp>

#include <chrono>
#include <cstdint>
#include <memory>

namespace coffer::inline COFFER_ABI {

using time_point = std::chrono::steady_clock::time_point;  ///< monotonic, of one process: for every wait and deadline
/// For HTTP dates, expiry and calendar windows, and nothing else.
using wall_time_point = std::chrono::system_clock::time_point;
using duration = std::chrono::nanoseconds;  ///< nanoseconds: about 292 years either way

class pending_wait;

/// Time, timers and randomness of one execution context.
///
/// `now` is monotonic and decides everything but HTTP dates, expiry and calendar windows, for which `wall_now` stands.
/// All members are safe from any thread.
class clock {
public:
    virtual ~clock() = default;

    /// Never goes back. In virtual time it stands still while the context works.
    [[nodiscard]] virtual time_point now() const noexcept = 0;
    /// The time of day, which somebody may set. Virtual time moves it together with `now`.
    [[nodiscard]] virtual wall_time_point wall_now() const noexcept = 0;
    /// Begins `wait` and makes it end with `wake::elapsed` at `until` (`time_point::max()`: never), if nothing ends it
    /// before. False when the context is shutting down.
    [[nodiscard]] virtual bool begin_wait(std::shared_ptr<pending_wait> const& wait, time_point until) = 0;
    /// Something outside the context (a thread, a server) works for it: virtual time stands still meanwhile.
    virtual void begin_outside_work() noexcept {}
    /// Once for each `begin_outside_work`.
    virtual void end_outside_work() noexcept {}
    /// A test moves it.
    [[nodiscard]] virtual bool is_virtual() const noexcept { return false; }

    /// Jitter and identities of all calls of the context come from here; seeded, in virtual time.
    [[nodiscard]] random_source& random() noexcept { return random_; }

protected:
    /// `seed`: of its random source.
    explicit clock(std::uint64_t seed) noexcept : random_{seed} {}
    clock(clock const&) = delete;
    clock& operator=(clock const&) = delete;

private:
    random_source random_;
};

/// Holds virtual time still while it lives. Copyable; copies count one each.
class outside_work {
public:
    /// Begins outside work with this clock; null: nothing happens.
    explicit outside_work(std::shared_ptr<clock> c) noexcept;
    /// Begins it once more.
    outside_work(outside_work const& other) noexcept : outside_work{other.clock_} {}
    outside_work(outside_work&& other) noexcept = default;
    /// Ends what it held, and holds what `other` does.
    outside_work& operator=(outside_work other) noexcept;
    ~outside_work();

private:
    std::shared_ptr<clock> clock_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/time/clock.ipp>
#endif
