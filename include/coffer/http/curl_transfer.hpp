// SPDX-License-Identifier: BSL-1.0
#pragma once
// One request on its way: what libcurl is told of it, what libcurl tells, the limits, and the result.
//
// Two sides hold a transfer: the engine, on its strand, and the coroutine that waits. All they share is `stage_`: whoever
// moves it to `done` or `left` first decides how the transfer ends, and only who still finds it `unsent` may say so.

#include <coffer/http/curl_header_lines.hpp>
#include <coffer/http/curl_options.hpp>
#include <coffer/http/curl_url.hpp>
#include <coffer/http/curl_verdict.hpp>
#include <coffer/http/request_check.hpp>
#include <coffer/http/response_head.hpp>
#include <coffer/time/sleep.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

class transfer {
public:
    enum class stage : std::uint8_t { unsent, sent, done, left };

    explicit transfer(http::request r) : request_{std::move(r)}, head_{request_.max_header_bytes} {}
    transfer(transfer const&) = delete;
    transfer& operator=(transfer const&) = delete;

    // The waiting side. Any thread.

    [[nodiscard]] http::request const& request() const noexcept { return request_; }
    /// Makes ready for `attach`; the request has passed `check`, and `url` is its own.
    void prepare(std::shared_ptr<parsed_url const> url) {
        url_ = std::move(url);
        lines_.assign(request_.headers);
    }
    /// Refused before anything was done.
    void refuse(fault why) {
        stage_.store(stage::done, std::memory_order_relaxed);
        result_ = failed(std::move(why));
    }
    [[nodiscard]] wait_list& waits() noexcept { return waits_; }
    /// Virtual time stands still until the transfer ends.
    void hold_time(outside_work token) { outside_.emplace(std::move(token)); }
    /// Nobody waits any more. Returns the stage until then; if that was `done`, there is a result.
    stage leave() noexcept {
        auto const before = stage_.exchange(stage::left, std::memory_order_acq_rel);
        if (before == stage::unsent || before == stage::sent) outside_.reset();
        return before;
    }
    /// After `leave` returned `done`, or after `refuse`.
    [[nodiscard]] outcome<response> take_result() noexcept { return std::move(result_); }
    [[nodiscard]] int status() const noexcept { return status_.load(std::memory_order_acquire); }
    [[nodiscard]] std::string const& host() const noexcept { return url_->host; }
    [[nodiscard]] bool https() const noexcept { return url_->https; }

    // The engine's side.

    [[nodiscard]] bool was_left() const noexcept { return stage_.load(std::memory_order_acquire) == stage::left; }

    /// Tells a new handle what is the same for all transfers.
    [[nodiscard]] static CURLcode configure(CURL* easy) noexcept {
        return option_writer{easy}
            .set(CURLOPT_PREREQFUNCTION, &on_prereq)
            .set(CURLOPT_HEADERFUNCTION, &on_header)
            .set(CURLOPT_WRITEFUNCTION, &on_body)
            .set(CURLOPT_DEBUGFUNCTION, &on_debug)
            .code();
    }
    /// Makes `easy` this transfer's, with everything that is the request's own. `activity` counts signs of life.
    [[nodiscard]] CURLcode attach(easy_handle easy, settings const& s, std::uint64_t& activity) {
        easy_ = std::move(easy);
        activity_ = &activity;
        error_.front() = '\0';
        option_writer write{easy_.get()};
        write.set(CURLOPT_CURLU, url_->handle.get())
            .set(CURLOPT_CONNECTTIMEOUT_MS, std::max(1L, static_cast<long>(request_.connect_timeout.count())))
            .set(CURLOPT_ERRORBUFFER, error_.data())
            .set(CURLOPT_PRIVATE, this)
            .set(CURLOPT_PREREQDATA, this)
            .set(CURLOPT_HEADERDATA, this)
            .set(CURLOPT_WRITEDATA, this)
            .set(CURLOPT_HTTPHEADER, lines_.list());
        if (!s.proxy.empty()) write.set(CURLOPT_PROXY, url_->https ? s.proxy.c_str() : "");
        set_version(write, s.options.version);
        set_method(write);
        return write.code();
    }
    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }
    /// Takes the handle back, out of the multi. What libcurl could read of this transfer is taken out; the callbacks' data
    /// stays until the next one sets it, since no callback comes for a handle at rest.
    [[nodiscard]] easy_handle detach() noexcept {
        if (easy_) {
            option_writer{easy_.get()}
                .none(CURLOPT_HTTPHEADER)
                .none(CURLOPT_ERRORBUFFER)
                .none(CURLOPT_PRIVATE)
                .none(CURLOPT_POSTFIELDS)
                .none(CURLOPT_CURLU);
        }
        return std::move(easy_);
    }

    /// libcurl has ended the transfer.
    void finish(CURLcode code) {
        // To libcurl a head that the connection's end cuts short is whole.
        facts_.code = code == CURLE_OK && head_.status() != 0 && !head_.complete() ? CURLE_PARTIAL_FILE : code;
        facts_.status = head_.status();
        if (auto f = verdict(facts_)) return fail(std::move(f->with_message(explain())));
        result_->status = head_.status();
        result_->version = head_.version();
        result_->body_terminated_by_close = head_.body_ends_with_connection(request_.method);
        result_->headers = head_.take_headers();
        conclude();
    }
    /// The transfer cannot go on, for a reason of ours.
    void abort(fault_kind why, std::string what) {
        fail(curl::left(why, facts_.prereq_calls > 0, head_.status(), url_->host + ": " + std::move(what)));
    }
    [[nodiscard]] int prereq_calls() const noexcept { return facts_.prereq_calls; }

    std::size_t index = 0;  ///< in the engine's list

private:
    void fail(fault why) {
        result_ = failed(std::move(why));
        conclude();
    }
    /// The result is there.
    void conclude() {
        for (auto now = stage_.load(std::memory_order_relaxed); now == stage::unsent || now == stage::sent;) {
            if (!stage_.compare_exchange_weak(now, stage::done, std::memory_order_acq_rel)) continue;
            // From here on the waiting side may take the result away, and this with it: the engine holds a reference.
            auto const time_goes_on = std::exchange(outside_, std::nullopt);
            waits_.notify_all();
            return;
        }
    }

    void set_version(option_writer& write, version_preference preference) const noexcept {
        bool const multiplexed = url_->https && preference == version_preference::http2;
        write.set(CURLOPT_HTTP_VERSION, static_cast<long>(multiplexed ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
            .flag(CURLOPT_PIPEWAIT, multiplexed)  // rather wait for the connection that is being made than make another
            .set(CURLOPT_DEBUGDATA, static_cast<void const*>(this))
            .flag(CURLOPT_VERBOSE, multiplexed);  // REFUSED_STREAM is told nowhere else
    }

    void set_method(option_writer& write) const noexcept {
        auto const& method = request_.method;
        bool const has_body = request_.body != nullptr;
        // Each of these undoes what another left in the handle.
        write.flag(CURLOPT_HTTPGET, true).none(CURLOPT_CUSTOMREQUEST);
        if (method == "HEAD" && !has_body) {
            write.flag(CURLOPT_NOBODY, true);
        } else if (method == "POST" || has_body) {
            // The body is not copied, and given as a whole: with a read function libcurl would ask to rewind it.
            write.flag(CURLOPT_POST, true)
                .set(CURLOPT_POSTFIELDSIZE_LARGE,
                     has_body ? static_cast<curl_off_t>(request_.body->size()) : curl_off_t{0})
                .set(CURLOPT_POSTFIELDS, has_body ? request_.body->data() : "");
            if (method != "POST") write.set(CURLOPT_CUSTOMREQUEST, method.c_str());
        } else if (method != "GET") {
            write.set(CURLOPT_CUSTOMREQUEST, method.c_str());
        }
    }

    /// For people. libcurl's own words only where nothing was sent: they name hosts, certificates and the proxy.
    [[nodiscard]] std::string explain() const {
        std::string text = url_->host + ": ";
        switch (facts_.why) {
            case cut::header_limit:
                text += "the response's head is longer than " + std::to_string(request_.max_header_bytes) + " bytes";
                break;
            case cut::body_limit:
                text += "the response's body is longer than " + std::to_string(request_.max_body_bytes) + " bytes";
                break;
            case cut::no_memory: text += "no memory for the response"; break;
            case cut::not_loopback: text += "http:// led to an address that is not loopback"; break;
            case cut::none:
                if (facts_.refused_stream) text += "the server refused the stream unprocessed";
                else if (facts_.prereq_calls > 1)
                    text += "the connection ended before a response, and libcurl was kept from sending again";
                else if (facts_.prereq_calls == 0 && error_.front() != '\0') text += without_userinfo(error_.data());
                else text += curl_easy_strerror(facts_.code);
                text += " (libcurl " + std::to_string(static_cast<int>(facts_.code)) + ")";
        }
        return without_secrets(std::move(text), request_);
    }

    // libcurl's callbacks. None of them may call libcurl, and no exception may leave them.

    static int on_prereq(void* self, char* remote_address, char*, int, int) noexcept {
        auto& t = *static_cast<transfer*>(self);
        ++*t.activity_;
        if (!t.url_->https && !is_loopback(remote_address != nullptr ? remote_address : "", false)) {
            t.facts_.why = cut::not_loopback;
            return CURL_PREREQFUNC_ABORT;
        }
        auto expected = stage::unsent;
        bool const first = t.stage_.compare_exchange_strong(expected, stage::sent, std::memory_order_acq_rel);
        if (expected == stage::left) return CURL_PREREQFUNC_ABORT;  // who left was told that nothing was sent
        ++t.facts_.prereq_calls;
        return first ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;  // the second one is the hidden resend
    }

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
        auto& t = *static_cast<transfer*>(self);
        ++*t.activity_;
        try {
            bool const was_complete = t.head_.complete();
            if (!t.head_.feed({data, size})) return t.stop(cut::header_limit);
            if (!was_complete && t.head_.status() != 0) t.status_.store(t.head_.status(), std::memory_order_release);
            if (was_complete || !t.head_.complete() || t.request_.method == "HEAD" || t.head_.status() == 304)
                return size;
            auto const length = t.head_.content_length().value_or(0);
            if (length > t.request_.max_body_bytes) return t.stop(cut::body_limit);
            t.result_->body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length, largest_reservation)));
            return size;
        } catch (...) {
            return t.stop(cut::no_memory);
        }
    }

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) noexcept {
        auto& t = *static_cast<transfer*>(self);
        ++*t.activity_;
        if (size > t.request_.max_body_bytes - t.result_->body.size()) return t.stop(cut::body_limit);
        try {
            t.result_->body.append(data, size);
            return size;
        } catch (...) {
            return t.stop(cut::no_memory);
        }
    }

    static int on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept {
        if (type != CURLINFO_TEXT) return 0;  // the others hold the request itself
        if (std::string_view{data, size}.starts_with("REFUSED_STREAM, retrying"))
            static_cast<transfer*>(self)->facts_.refused_stream = true;
        return 0;
    }

    std::size_t stop(cut why) noexcept {
        facts_.why = why;
        return 0;  // anything but the size ends the transfer
    }

    static constexpr std::uint64_t largest_reservation = 1024 * 1024;  // what a declared length alone may cost

    http::request request_;
    std::shared_ptr<parsed_url const> url_;
    header_lines lines_;
    wait_list waits_;
    std::atomic<stage> stage_{stage::unsent};
    std::atomic<int> status_{0};
    outcome<response> result_{response{}};  ///< the answer as far as it has come, until it is concluded
    std::optional<outside_work> outside_;

    easy_handle easy_;
    response_head head_;
    facts facts_;
    std::uint64_t* activity_ = nullptr;
    std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace coffer::inline COFFER_ABI::http::curl
