// SPDX-License-Identifier: BSL-1.0
#include "api/router.hpp"

#include <array>

#include "openai/chat.hpp"
#include "openai/models.hpp"
#include "openai/shape.hpp"

namespace provider_sim {
namespace {

struct route {
    std::string_view method;
    std::string_view path;
    provider_shape const* provider;
    served (*serve)(api_call const&);
};

constexpr std::array routes{
    route{"POST", "/v1/chat/completions", &openai::shape, &openai::serve_chat},
    route{"GET", "/v1/models", &openai::shape, &openai::serve_models},
};

route const& find_route(http_request const& request) {
    std::string_view allowed;
    for (auto const& r : routes) {
        if (r.path != request.path) continue;
        if (r.method == request.method) return r;
        allowed = r.method;
    }
    if (!allowed.empty())
        throw api_error{405, "Not allowed to " + request.method + " on " + request.path + ". (HINT: use " +
                                 std::string{allowed} + ")"};
    throw api_error{404, "Invalid URL (" + request.method + " " + request.path + ")"};
}

}  // namespace

provider_shape const& provider_of(std::string_view path) {
    for (auto const& r : routes)
        if (r.path == path) return *r.provider;
    return openai::shape;
}

served serve(api_call const& call, std::string_view required_key_prefix) {
    auto const& provider = provider_of(call.request->path);
    try {
        if (!provider.admits(*call.request, required_key_prefix)) throw api_error{401, json::object()};
        return find_route(*call.request).serve(call);
    } catch (api_error const& refusal) {
        served refused;
        refused.answer = json_answer(refusal.status(), provider.error_body(refusal.status(), refusal.overrides()));
        return refused;
    }
}

}  // namespace provider_sim
