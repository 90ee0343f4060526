// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of curl_transfer.hpp.

#include <coffer/http/curl_transfer.hpp>

#include <algorithm>
#include <string_view>

namespace coffer::inline COFFER_ABI::http::curl {

COFFER_INLINE transfer::transfer(http::request r) : request_{std::move(r)}, head_{request_.max_header_bytes} {}

COFFER_INLINE void transfer::prepare(std::shared_ptr<parsed_url const> url) {
    url_ = std::move(url);
    lines_.assign(request_.headers);
}

COFFER_INLINE void transfer::refuse(fault why) {
    stage_.store(stage::done, std::memory_order_relaxed);
    result_ = failed(std::move(why));
}

COFFER_INLINE void transfer::hold_time(outside_work token) { outside_.emplace(std::move(token)); }

COFFER_INLINE transfer::stage transfer::leave() noexcept {
    auto const before = stage_.exchange(stage::left, std::memory_order_acq_rel);
    if (before == stage::unsent || before == stage::sent) outside_.reset();
    return before;
}

COFFER_INLINE CURLcode transfer::configure(CURL* easy) noexcept {
    return option_writer{easy}
        .set(CURLOPT_PREREQFUNCTION, &on_prereq)
        .set(CURLOPT_HEADERFUNCTION, &on_header)
        .set(CURLOPT_WRITEFUNCTION, &on_body)
        .set(CURLOPT_DEBUGFUNCTION, &on_debug)
        .code();
}

COFFER_INLINE CURLcode transfer::attach(easy_handle easy, settings const& s, std::uint64_t& activity) {
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

COFFER_INLINE easy_handle transfer::detach() noexcept {
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

COFFER_INLINE void transfer::finish(CURLcode code) {
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

COFFER_INLINE void transfer::abort(fault_kind why, std::string what) {
    fail(curl::left(why, facts_.prereq_calls > 0, head_.status(), url_->host + ": " + std::move(what)));
}

COFFER_INLINE void transfer::fail(fault why) {
    result_ = failed(std::move(why));
    conclude();
}

COFFER_INLINE void transfer::conclude() {
    for (auto now = stage_.load(std::memory_order_relaxed); now == stage::unsent || now == stage::sent;) {
        if (!stage_.compare_exchange_weak(now, stage::done, std::memory_order_acq_rel)) continue;
        // From here on the waiting side may take the result away, and this with it: the engine holds a reference.
        auto const time_goes_on = std::exchange(outside_, std::nullopt);
        waits_.notify_all();
        return;
    }
}

COFFER_INLINE void transfer::set_version(option_writer& write, version_preference preference) const noexcept {
    bool const multiplexed = url_->https && preference == version_preference::http2;
    write.set(CURLOPT_HTTP_VERSION, static_cast<long>(multiplexed ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1))
        .flag(CURLOPT_PIPEWAIT, multiplexed)  // rather wait for the connection that is being made than make another
        .set(CURLOPT_DEBUGDATA, static_cast<void const*>(this))
        .flag(CURLOPT_VERBOSE, multiplexed);  // REFUSED_STREAM is told nowhere else
}

COFFER_INLINE void transfer::set_method(option_writer& write) const noexcept {
    auto const& method = request_.method;
    bool const has_body = request_.body != nullptr;
    // Each of these undoes what another left in the handle.
    write.flag(CURLOPT_HTTPGET, true).none(CURLOPT_CUSTOMREQUEST);
    if (method == "HEAD" && !has_body) {
        write.flag(CURLOPT_NOBODY, true);
    } else if (method == "POST" || has_body) {
        // The body is not copied, and given as a whole: with a read function libcurl would ask to rewind it.
        write.flag(CURLOPT_POST, true)
            .set(CURLOPT_POSTFIELDSIZE_LARGE, has_body ? static_cast<curl_off_t>(request_.body->size()) : curl_off_t{0})
            .set(CURLOPT_POSTFIELDS, has_body ? request_.body->data() : "");
        if (method != "POST") write.set(CURLOPT_CUSTOMREQUEST, method.c_str());
    } else if (method != "GET") {
        write.set(CURLOPT_CUSTOMREQUEST, method.c_str());
    }
}

COFFER_INLINE std::string transfer::explain() const {
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

COFFER_INLINE int transfer::on_prereq(void* self, char* remote_address, char*, int, int) noexcept {
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

COFFER_INLINE std::size_t transfer::on_header(char* data, std::size_t, std::size_t size, void* self) noexcept {
    auto& t = *static_cast<transfer*>(self);
    ++*t.activity_;
    try {
        bool const was_complete = t.head_.complete();
        if (!t.head_.feed({data, size})) return t.stop(cut::header_limit);
        if (!was_complete && t.head_.status() != 0) t.status_.store(t.head_.status(), std::memory_order_release);
        if (was_complete || !t.head_.complete() || t.request_.method == "HEAD" || t.head_.status() == 304) return size;
        auto const length = t.head_.content_length().value_or(0);
        if (length > t.request_.max_body_bytes) return t.stop(cut::body_limit);
        t.result_->body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length, largest_reservation)));
        return size;
    } catch (...) {
        return t.stop(cut::no_memory);
    }
}

COFFER_INLINE std::size_t transfer::on_body(char* data, std::size_t, std::size_t size, void* self) noexcept {
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

COFFER_INLINE int transfer::on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept {
    if (type != CURLINFO_TEXT) return 0;  // the others hold the request itself
    if (std::string_view{data, size}.starts_with("REFUSED_STREAM, retrying"))
        static_cast<transfer*>(self)->facts_.refused_stream = true;
    return 0;
}

}  // namespace coffer::inline COFFER_ABI::http::curl
