#include "model/nano/blas.hpp"

#include <cblas.h>

namespace mutirao::model::nano {

bool compute_where_called() {
    static const bool may_be_called_at_once = [] {
        if (openblas_get_parallel() == OPENBLAS_SEQUENTIAL) return false;
        openblas_set_num_threads(1);
        return true;
    }();
    return may_be_called_at_once;
}

}  // namespace mutirao::model::nano
