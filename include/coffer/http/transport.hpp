// SPDX-License-Identifier: BSL-1.0
#pragma once
// What coffer asks of whatever sends HTTP requests: a real client, or a script in a test.

#include <coffer/asio.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/http/request.hpp>
#include <coffer/http/response.hpp>
#include <coffer/time/clock.hpp>

#include <concepts>
#include <utility>

namespace coffer::inline COFFER_ABI::http {

/// `t.send(request, deadline)` sends a request and brings back the whole response.
///
/// **Effects.** At most one physical send for each call: never a resend, a redirect, a second try on another connection
/// once a byte may have left.
///
/// **Outcome.** Any HTTP status is a success. A fault says what is known of the provider's side:
///
/// | kind | executed / billed | when |
/// |---|---|---|
/// | `not_sent` | no / no | provably not a byte of the request left: name resolution, connect, TLS, or the deadline, whichever failed first |
/// | `ambiguous` | maybe / maybe | it may have left, and no status line came back |
/// | `timed_out` | maybe / maybe | the deadline passed after it may have left |
/// | `broken_stream` | yes / maybe | a status line came and the response broke off |
/// | `defective_answer` | yes / yes | the response is over a limit of the request |
/// | `cancelled` | as known | the awaiting coroutine was cancelled |
/// | `transient` | no / no | the other side says that it did not process the request (HTTP/2 REFUSED_STREAM) |
/// | `invalid_request` | no / no | the request was refused before anything was done, e.g. `http://` to another machine |
/// | `deadline_exceeded` | no / no | the deadline had passed before anything was done |
/// | `aborted` | as known | the transport's own context is gone |
///
/// A fault of a response that had a status carries it; "executed yes" holds for a 2xx status only, any other is "maybe".
/// No fault holds a credential. Nothing is thrown but `std::bad_alloc`.
///
/// **Cancellation.** Any type that reaches the coroutine frees the connection at once; the coroutine resumes with a
/// value. (By Asio's rule its *next* `co_await` throws.)
///
/// **Deadline.** By the clock of the awaiting coroutine's context; `time_point::max()` is none.
///
/// **Thread safety.** Copies are handles of one transport; `send` may be called and awaited anywhere.
template <class T>
concept transport =
    std::copy_constructible<T> && requires(T const& t, request const& kept, request&& given, time_point deadline) {
        { t.send(kept, deadline) } -> std::same_as<awaitable<outcome<response>>>;
        { t.send(std::move(given), deadline) } -> std::same_as<awaitable<outcome<response>>>;
    };

}  // namespace coffer::inline COFFER_ABI::http
