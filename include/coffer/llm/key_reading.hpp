// SPDX-License-Identifier: BSL-1.0
#pragma once
// Reading the API key from a coroutine that may be slow: bounded for each call that waits, and after a refusal shared by
// all calls that the same key was refused to.

#include <coffer/asio.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/llm/api_key.hpp>
#include <coffer/time/completion.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::llm::detail {

/// One run of the source, on a strand of its own, and the calls that wait for it. Cancelled when the last of them has left.
class key_reading : public std::enable_shared_from_this<key_reading> {
public:
    key_reading(asio::any_io_executor const& executor, std::string refused);
    key_reading(key_reading const&) = delete;
    key_reading& operator=(key_reading const&) = delete;

    template <class = on_use>
    void start(api_key source, key_request why) {
        auto const strand = *strand_;  // the source may run, and end, before co_spawn returns
        asio::co_spawn(strand, run(keeper{shared_from_this()}, std::move(source), std::move(why)),
                       asio::bind_cancellation_slot(signal_.slot(), signal_keeper{shared_from_this()}));
    }
    /// One more call waits. False if that is too late.
    [[nodiscard]] bool join();
    void leave() noexcept;
    [[nodiscard]] std::string const& refused() const noexcept { return refused_; }
    [[nodiscard]] completion<outcome<std::string>> const& done() const noexcept { return done_; }

private:
    /// Ends the reading with its coroutine, also where a context's shutdown destroys it: others may wait elsewhere.
    class keeper {
    public:
        explicit keeper(std::shared_ptr<key_reading> r) noexcept : reading_{std::move(r)} {}
        keeper(keeper&&) noexcept = default;
        keeper& operator=(keeper&&) = delete;
        ~keeper();
        void set(outcome<std::string> key) const { reading_->done_.set(std::move(key)); }

    private:
        std::shared_ptr<key_reading> reading_;
    };
    /// Keeps the signal that the coroutine listens to until that has ended.
    class signal_keeper {
    public:
        explicit signal_keeper(std::shared_ptr<key_reading> r) noexcept : reading_{std::move(r)} {}
        void operator()(std::exception_ptr const&) const noexcept {}

    private:
        std::shared_ptr<key_reading> reading_;
    };

    template <class = on_use>
    static awaitable<void> run(keeper keep, api_key source, key_request why) {
        auto fetching = api_key::fetch(std::move(source), std::move(why));
        auto key = co_await std::move(fetching);
        keep.set(std::move(key));
    }

    std::string const refused_;
    completion<outcome<std::string>> const done_;
    asio::cancellation_signal signal_;
    std::mutex mutex_;
    std::optional<asio::any_io_executor> strand_;  // none: over, or given up
    int waiting_ = 1;
};

/// One call's wait for a key. Leaves when it is destroyed.
class key_wait {
public:
    explicit key_wait(outcome<std::string> known) : known_{std::move(known)} {}
    explicit key_wait(std::shared_ptr<key_reading> r) noexcept : reading_{std::move(r)} {}
    key_wait(key_wait&&) noexcept = default;
    key_wait& operator=(key_wait&&) = delete;
    ~key_wait() {
        if (reading_) reading_->leave();
    }

    /// The source's answer, or null while there is none.
    [[nodiscard]] outcome<std::string> const* key() const noexcept;
    /// Suspends until there is one, the time has come, or the coroutine is cancelled. Not for a wait that is over.
    [[nodiscard]] awaitable<wake> until(clock_service& service, time_point when) const {
        return reading_->done().wait(service, when);
    }

private:
    std::optional<outcome<std::string>> known_;
    std::shared_ptr<key_reading> reading_;
};

/// The source as the calls of one operation use it. Any thread.
///
/// An ordinary read is the call's own. After a refusal, calls whose key is the same join the read that is under way, and
/// one whose refused key was read before another call found it replaced asks nobody: a rotation under a thousand calls
/// is one read for those that meet it together.
class key_desk {
public:
    explicit key_desk(api_key source) : source_{std::move(source)} {}

    /// How many times a refused key was found to have been replaced.
    [[nodiscard]] std::uint64_t replaced() const noexcept { return replaced_.load(std::memory_order_acquire); }
    void note_replaced() const noexcept { replaced_.fetch_add(1, std::memory_order_release); }

    template <class = on_use>
    [[nodiscard]] key_wait read(asio::any_io_executor const& executor, key_request why) const {
        if (!source_.is_coroutine()) return key_wait{source_.read(why)};
        return begin(std::make_shared<key_reading>(executor, why.refused()), std::move(why));
    }
    template <class = on_use>
    [[nodiscard]] key_wait read_again(asio::any_io_executor const& executor, key_request why) const {
        if (!source_.is_coroutine()) return key_wait{source_.read(why)};
        auto own = std::make_shared<key_reading>(executor, why.refused());
        {
            std::lock_guard const lock{mutex_};
            if (auto other = again_.lock(); other && other->refused() == why.refused() && other->join())
                return key_wait{std::move(other)};
            again_ = own;
        }
        return begin(std::move(own), std::move(why));
    }

private:
    template <class = on_use>
    [[nodiscard]] key_wait begin(std::shared_ptr<key_reading> reading, key_request why) const {
        key_wait wait{reading};
        reading->start(source_, std::move(why));
        return wait;
    }

    api_key source_;
    mutable std::atomic<std::uint64_t> replaced_{0};
    mutable std::mutex mutex_;
    mutable std::weak_ptr<key_reading> again_;
};

}  // namespace coffer::inline COFFER_ABI::llm::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/key_reading.ipp>
#endif
