// SPDX-License-Identifier: BSL-1.0
#include "openai/models.hpp"

namespace provider_sim::openai {

served serve_models(api_call const& call) {
    record list{{"object", "list"}, {"data", record::array()}};
    for (auto const& model : call.settings->models)
        list["data"].push_back(
            record{{"id", model}, {"object", "model"}, {"created", 1'721'172'741}, {"owned_by", "system"}});
    served result;
    result.answer = json_answer(200, to_line(list));
    return result;  // not "valid": a list is no work, and nothing is billed for it
}

}  // namespace provider_sim::openai
