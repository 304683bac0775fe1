from django.urls import path

from dunning.views import policies, policy_levels, simulations, trials

policy_patterns = [
    path("scenarios/", policies.policy_list, name="policy-list"),
    path("scenarios/nouveau/", policies.policy_create, name="policy-create"),
    path("scenarios/installer/", policies.policy_install, name="policy-install"),
    path("scenarios/<int:pk>/", policy_levels.policy_detail, name="policy-detail"),
    path("scenarios/<int:pk>/reglages/", policies.policy_edit, name="policy-edit"),
    path("scenarios/<int:pk>/clients/", policies.policy_reach, name="policy-reach"),
    path("scenarios/<int:pk>/version-suivante/", policies.policy_draft, name="policy-draft"),
    path("scenarios/<int:pk>/activer/", policies.policy_activate, name="policy-activate"),
    path("scenarios/<int:pk>/retirer/", policies.policy_retire, name="policy-retire"),
    path("scenarios/<int:pk>/comparer/", policies.policy_compare, name="policy-compare"),
    path("scenarios/<int:pk>/niveaux/<int:rank>/ajouter/", policy_levels.level_add, name="level-add"),
    path("scenarios/<int:pk>/niveaux/<int:rank>/", policy_levels.level_save, name="level-save"),
    path("scenarios/<int:pk>/niveaux/<int:rank>/retirer/", policy_levels.level_remove, name="level-remove"),
    path("scenarios/<int:pk>/niveaux/<int:rank>/deplacer/", policy_levels.level_move, name="level-move"),
    path("scenarios/script/", policy_levels.script_check, name="script-check"),
    path("scenarios/<int:pk>/simuler/", simulations.simulation_request, name="simulation-request"),
    path("simulations/<int:pk>/", simulations.simulation_detail, name="simulation-detail"),
    path("simulations/<int:pk>/clients.csv", simulations.simulation_file, name="simulation-file"),
    path("essais/", trials.trial_list, name="trial-list"),
    path("essais/nouveau/", trials.trial_create, name="trial-create"),
    path("essais/<int:pk>/", trials.trial_detail, name="trial-detail"),
    path("essais/<int:pk>/terminer/", trials.trial_end, name="trial-end"),
]
