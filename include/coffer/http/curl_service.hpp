// SPDX-License-Identifier: BSL-1.0
#pragma once
// Lets an Asio context that is destroyed take the engines that work on it down in order, wherever else they are held.

#include <coffer/asio.hpp>

#include <memory>
#include <mutex>
#include <utility>

namespace coffer::inline COFFER_ABI::http::curl {

class engine_base;

/// The engines of one context. Outlives the context.
class engine_list {
public:
    engine_list() = default;
    engine_list(engine_list const&) = delete;
    engine_list& operator=(engine_list const&) = delete;

    /// Closes all engines; none joins afterwards.
    void close() noexcept;

private:
    friend class engine_base;
    std::mutex mutex_;
    engine_base* first_ = nullptr;
    bool closed_ = false;
};

/// What the list needs to know of an engine.
class engine_base {
public:
    explicit engine_base(std::shared_ptr<engine_list> list) noexcept : list_{std::move(list)} {}
    engine_base(engine_base const&) = delete;
    engine_base& operator=(engine_base const&) = delete;
    virtual ~engine_base() = default;

    /// False if the context is shutting down.
    bool join() noexcept;

protected:
    /// Lets go of everything that belongs to the context. Called once, with nothing of the engine running: by the
    /// context's shutdown or by the last owner, whoever is first.
    virtual void close() noexcept = 0;

    /// For the destructor of the engine. A context that is destroyed at the same time waits for it.
    void depart() noexcept;

private:
    friend class engine_list;
    void unlink() noexcept;

    std::shared_ptr<engine_list> list_;
    engine_base* previous_ = nullptr;
    engine_base* next_ = nullptr;
    bool joined_ = false;
};

/// Finds the list through any executor of the context, and closes it with the context.
class COFFER_ONE_PER_PROCESS engine_service final : public asio::execution_context::service {
public:
    inline static asio::execution_context::id id;

    explicit engine_service(asio::execution_context& context) : asio::execution_context::service{context} {}

    template <class Executor>
    [[nodiscard]] static std::shared_ptr<engine_list> const& of(Executor const& executor) {
        return asio::use_service<engine_service>(asio::query(executor, asio::execution::context)).list_;
    }

private:
    void shutdown() noexcept override { list_->close(); }

    std::shared_ptr<engine_list> list_ = std::make_shared<engine_list>();
};

}  // namespace coffer::inline COFFER_ABI::http::curl

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/http/curl_service.ipp>
#endif
