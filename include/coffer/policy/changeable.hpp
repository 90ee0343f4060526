// SPDX-License-Identifier: BSL-1.0
#pragma once
// Options that may be changed while calls read them.

#include <coffer/config.hpp>

#include <atomic>
#include <mutex>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::detail {

/// Until somebody changes them, reading them costs one load; afterwards a short lock. Nothing is allocated, and however often
/// they are changed, two of them are all there is: nobody keeps a pointer beyond his reading. Any thread.
template <class Options>
class changeable {
    static_assert(std::is_trivially_copyable_v<Options>, "replaced as a whole, and cannot fail on the way");

public:
    explicit changeable(Options const& first) : first_{first}, now_{first} {}
    changeable(changeable const& o) : changeable{*o.read()} {}
    changeable& operator=(changeable const&) = delete;
    ~changeable() = default;

    /// They stay as they are while this lives: to be looked at, and let go before anybody else's code is run.
    class reading {
    public:
        [[nodiscard]] Options const& operator*() const noexcept { return *at_; }
        [[nodiscard]] Options const* operator->() const noexcept { return at_; }

    private:
        friend class changeable;
        explicit reading(Options const& at) noexcept : at_{&at} {}
        reading(Options const& at, std::mutex& m) : lock_{m}, at_{&at} {}
        std::unique_lock<std::mutex> lock_;
        Options const* at_;
    };
    [[nodiscard]] reading read() const {
        if (!changed_.load(std::memory_order_acquire)) return reading{first_};
        return {now_, mutex_};
    }
    void set(Options const& o) {
        set(o, [] {});
    }
    /// `also` is done together with it, whoever else sets them.
    template <class Also>
    void set(Options const& o, Also const& also) {
        std::lock_guard const lock{mutex_};
        now_ = o;
        changed_.store(true, std::memory_order_release);
        also();
    }

private:
    Options const first_;
    std::atomic<bool> changed_{false};
    mutable std::mutex mutex_;
    Options now_;
};

}  // namespace coffer::inline COFFER_ABI::detail
