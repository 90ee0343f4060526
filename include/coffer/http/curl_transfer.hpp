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

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

class transfer {
public:
    enum class stage : std::uint8_t { unsent, sent, done, left };

    explicit transfer(http::request r);
    transfer(transfer const&) = delete;
    transfer& operator=(transfer const&) = delete;

    // The waiting side. Any thread.

    [[nodiscard]] http::request const& request() const noexcept { return request_; }
    /// Makes ready for `attach`; the request has passed `check`, and `url` is its own.
    void prepare(std::shared_ptr<parsed_url const> url);
    /// Refused before anything was done.
    void refuse(fault why);
    [[nodiscard]] wait_list& waits() noexcept { return waits_; }
    /// Virtual time stands still until the transfer ends.
    void hold_time(outside_work token);
    /// Nobody waits any more. Returns the stage until then; if that was `done`, there is a result.
    stage leave() noexcept;
    /// After `leave` returned `done`, or after `refuse`.
    [[nodiscard]] outcome<response> take_result() noexcept { return std::move(result_); }
    [[nodiscard]] int status() const noexcept { return status_.load(std::memory_order_acquire); }
    [[nodiscard]] std::string const& host() const noexcept { return url_->host; }
    [[nodiscard]] bool https() const noexcept { return url_->https; }

    // The engine's side.

    [[nodiscard]] bool was_left() const noexcept { return stage_.load(std::memory_order_acquire) == stage::left; }

    /// Tells a new handle what is the same for all transfers.
    [[nodiscard]] static CURLcode configure(CURL* easy) noexcept;
    /// Makes `easy` this transfer's, with everything that is the request's own. `activity` counts signs of life.
    [[nodiscard]] CURLcode attach(easy_handle easy, settings const& s, std::uint64_t& activity);
    [[nodiscard]] CURL* handle() const noexcept { return easy_.get(); }
    /// Takes the handle back, out of the multi. What libcurl could read of this transfer is taken out; the callbacks' data
    /// stays until the next one sets it, since no callback comes for a handle at rest.
    [[nodiscard]] easy_handle detach() noexcept;

    /// libcurl has ended the transfer.
    void finish(CURLcode code);
    /// The transfer cannot go on, for a reason of ours.
    void abort(fault_kind why, std::string what);
    [[nodiscard]] int prereq_calls() const noexcept { return facts_.prereq_calls; }

    std::size_t index = 0;  ///< in the engine's list

private:
    void fail(fault why);
    /// The result is there.
    void conclude();

    void set_version(option_writer& write, version_preference preference) const noexcept;

    void set_method(option_writer& write) const noexcept;

    /// For people. libcurl's own words only where nothing was sent: they name hosts, certificates and the proxy.
    [[nodiscard]] std::string explain() const;

    // libcurl's callbacks. None of them may call libcurl, and no exception may leave them.

    static int on_prereq(void* self, char* remote_address, char*, int, int) noexcept;

    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) noexcept;

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) noexcept;

    static int on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) noexcept;

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

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_transfer.ipp>
#endif
