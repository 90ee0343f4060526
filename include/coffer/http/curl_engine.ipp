// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_engine.hpp.

#include <coffer/http/curl_engine.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE std::shared_ptr<engine> engine::make(asio::any_io_executor const& executor,
                                                   client_options const& options) {
    auto const made = std::shared_ptr<engine>{new engine{executor, options}};
    if (!made->join()) made->close();
    return made;
}

COFFER_INLINE bool engine::submit(std::shared_ptr<transfer> t) { return enqueue({std::move(t), true}); }

COFFER_INLINE void engine::withdraw(std::shared_ptr<transfer> t) { (void)enqueue({std::move(t), false}); }

COFFER_INLINE engine::active::active(asio::any_io_executor const& executor, settings const& s, counters& count)
    : strand{executor},
      multi{asio::any_io_executor{strand}, s.options, count},
      idle{s.options.max_idle_connections + 16} {}

COFFER_INLINE engine::engine(asio::any_io_executor const& executor, client_options const& options)
    : engine_base{engine_service::of(executor)},
      settings_{options},
      context_{&asio::query(executor, asio::execution::context)} {
    if (!initialise()) throw std::runtime_error{"coffer: libcurl cannot be initialised"};
    active_.emplace(executor, settings_, count_);
    auto first = make_easy();
    if (!first || !active_->multi.usable())
        throw std::runtime_error{"coffer: this libcurl lacks an option that is needed, or there is no memory"};
    active_->idle.give_back(std::move(first), 0);
}

COFFER_INLINE easy_handle engine::make_easy() noexcept {
    easy_handle easy{curl_easy_init()};
    bool const ok = easy && configure(easy.get(), settings_) == CURLE_OK &&
                    transfer::configure(easy.get()) == CURLE_OK && active_->multi.adopt(easy.get()) == CURLE_OK;
    return ok ? std::move(easy) : nullptr;
}

COFFER_INLINE bool engine::enqueue(command c) {
    std::lock_guard const lock{mutex_};  // held over the post, so that a context that shuts down waits for it
    if (closed_) return false;
    inbox_.push_back(std::move(c));
    try {
        schedule();
    } catch (...) {  // nobody will wait for it: it must not be sent with the next one
        inbox_.pop_back();
        throw;
    }
    return true;
}

COFFER_INLINE void engine::schedule() {
    if (scheduled_) return;
    asio::post(active_->strand, [self = shared_from_this()] { self->work_off_inbox(); });
    scheduled_ = true;
}

COFFER_INLINE void engine::work_off_inbox() {
    std::vector<command> commands;
    {
        std::lock_guard const lock{mutex_};
        scheduled_ = false;
        commands.swap(inbox_);
    }
    for (auto const& c : commands) tls_ = tls_ || c.transfer->https();
    sigpipe_guard const quiet{tls_};
    for (auto& c : commands) c.begin ? start(std::move(c.transfer)) : end(*c.transfer);
    settle();
}

COFFER_INLINE void engine::start(std::shared_ptr<transfer> t) {
    if (t->was_left()) return;
    count_.transfers.fetch_add(1, std::memory_order_relaxed);
    auto easy = active_->idle.take();
    if (!easy) easy = make_easy();
    if (!easy) return t->abort(fault_kind::not_sent, "libcurl: no memory");
    if (!active_->multi.usable()) (void)active_->multi.renew();
    auto const code = t->attach(std::move(easy), settings_, count_.activity);
    if (code != CURLE_OK || !active_->multi.add(t->handle())) {
        (void)t->detach();
        return t->abort(fault_kind::not_sent,
                        std::string{"libcurl does not take the request: "} + curl_easy_strerror(code));
    }
    t->index = transfers_.size();
    transfers_.push_back(std::move(t));
}

COFFER_INLINE void engine::end(transfer& t) {
    if (t.handle() == nullptr) return;
    active_->multi.remove(t.handle());
    active_->idle.give_back(t.detach(), transfers_.size());
    transfers_.back()->index = t.index;
    std::swap(transfers_[t.index], transfers_.back());
    transfers_.pop_back();  // may have been the last reference
}

COFFER_INLINE void engine::settle() {
    auto& multi = active_->multi;
    multi.keep_connections_of(transfers_.size());
    for (int round = 0; round < rounds_at_once; ++round) {
        multi.work_off_timer();
        take_ended();
        if (multi.broken()) rebuild();
        if (!multi.due()) break;
    }
    multi.watch().flush();
    if (multi.due()) {  // others' turn
        std::lock_guard const lock{mutex_};
        schedule();
    }
    bool const busy = !transfers_.empty();
    if (busy && !waiting_) wait();
    else if (!busy && waiting_) stop_waiting();
}

COFFER_INLINE void engine::take_ended() {
    active_->multi.take_ended([this](CURL* easy, CURLcode code) {
        void* found = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &found);
        if (found == nullptr) return;  // not one of ours
        auto const t = transfers_[static_cast<transfer*>(found)->index];
        ++count_.activity;
        if (t->prereq_calls() > 1) count_.resends_prevented.fetch_add(1, std::memory_order_relaxed);
        end(*t);
        t->finish(code);
    });
}

COFFER_INLINE void engine::wait() {
    waiting_ = true;
    if (idle_wakes_ >= idle_wakes_allowed && !moved_bytes()) {
        // A socket is ready, and libcurl neither serves it nor says that it does not want it: a bug of some version
        // (curl#14280). It must not take a whole processor; everything goes on, only later.
        count_.spins.fetch_add(1, std::memory_order_relaxed);
        active_->slow_down.emplace(active_->strand, spin_pause);
        return active_->slow_down->async_wait(
            [self = shared_from_this()](coffer::detail::asio_error_code) { self->woken(); });
    }
    active_->multi.watch().async_ready([self = shared_from_this()](coffer::detail::asio_error_code) { self->woken(); });
}

COFFER_INLINE void engine::stop_waiting() {
    active_->multi.watch().cancel();
    active_->slow_down.reset();
}

COFFER_INLINE void engine::woken() {
    waiting_ = false;
    if (transfers_.empty()) return;
    sigpipe_guard const quiet{tls_};
    auto const before = count_.activity;
    active_->multi.work_off_sockets();
    idle_wakes_ = count_.activity == before ? idle_wakes_ + 1 : 0;
    settle();
}

COFFER_INLINE bool engine::moved_bytes() noexcept {
    curl_off_t sum = 0;
    for (auto const& t : transfers_) {
        curl_off_t sent = 0;
        if (curl_easy_getinfo(t->handle(), CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK) sum += sent;
    }
    if (std::exchange(uploaded_, sum) == sum) return false;
    idle_wakes_ = 0;
    return true;
}

COFFER_INLINE void engine::rebuild() {
    count_.rebuilds.fetch_add(1, std::memory_order_relaxed);
    auto const lost = transfers_;
    for (auto const& t : lost) end(*t);
    (void)active_->multi.renew();
    for (auto const& t : lost) t->finish(CURLE_FAILED_INIT);
}

COFFER_INLINE void engine::close() noexcept {
    std::vector<command> inbox;
    {
        std::lock_guard const lock{mutex_};
        closed_ = true;
        inbox.swap(inbox_);
    }
    if (!active_) return;
    sigpipe_guard const quiet{tls_};
    auto const gone = "the client's context was destroyed";
    auto const lost = transfers_;
    for (auto const& t : lost) {
        end(*t);
        t->abort(fault_kind::aborted, gone);
    }
    for (auto const& c : inbox)
        if (c.begin) c.transfer->abort(fault_kind::aborted, gone);
    active_.reset();
}

}  // namespace coffer::inline COFFER_ABI::http::curl
