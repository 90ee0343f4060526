// SPDX-License-Identifier: BSL-1.0
#pragma once
// Any transport behind one indirect call, so that `llm::openai` has a plain name and needs no HTTP library of its own.

#include <coffer/http/transport.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace coffer::inline COFFER_ABI::llm {

/// Owns a copy of a transport, which is a handle. The contract is that of `http::transport`; no coroutine of its own.
class any_transport {
public:
    /// Copies the transport into it.
    template <class Transport>
        requires(!std::same_as<Transport, any_transport>) && http::transport<Transport>
    any_transport(Transport t) : self_{std::make_shared<model<Transport> const>(std::move(t))} {}

    /// Sends through it.
    [[nodiscard]] awaitable<outcome<http::response>> send(http::request r, time_point deadline) const;

private:
    struct base {
        virtual ~base() = default;
        [[nodiscard]] virtual awaitable<outcome<http::response>> send(http::request&& r, time_point deadline) const = 0;
    };
    template <class Transport>
    struct model final : base {
        explicit model(Transport t) : transport{std::move(t)} {}
        [[nodiscard]] awaitable<outcome<http::response>> send(http::request&& r, time_point deadline) const override {
            return transport.send(std::move(r), deadline);
        }
        Transport transport;
    };

    std::shared_ptr<base const> self_;
};

}  // namespace coffer::inline COFFER_ABI::llm

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/llm/any_transport.ipp>
#endif
