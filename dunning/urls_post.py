"""Addresses of the post and of the telephone, under /relances/."""

from django.urls import path

from dunning.views import calls, post

post_patterns = [
    path("poste/", post.post_list, name="post-list"),
    path("poste/lots/", post.batch_list, name="post-batch-list"),
    path("poste/lots/composer/", post.batch_create, name="post-batch-create"),
    path("poste/lots/<int:pk>/", post.batch_detail, name="post-batch-detail"),
    path("poste/lots/<int:pk>/lot.pdf", post.batch_pdf, name="post-batch-pdf"),
    path("poste/lots/<int:pk>/bordereau.csv", post.batch_manifest, name="post-batch-manifest"),
    path("poste/lots/<int:pk>/deposer/", post.batch_post, name="post-batch-post"),
    path("poste/lots/<int:pk>/numeros/", post.batch_numbers, name="post-batch-numbers"),
    path("poste/lots/<int:pk>/defaire/", post.batch_undo, name="post-batch-undo"),
    path("poste/reponses/", post.answer_list, name="post-answer-list"),
    path("poste/reponses/traiter/", post.answer_close, name="post-answer-close"),
    path("envois/<int:pk>/numero/", post.delivery_number, name="delivery-number"),
    path("envois/<int:pk>/preuve.pdf", post.delivery_proof, name="delivery-proof"),
    path("appels/", calls.call_list, name="call-list"),
    path("appels/<int:pk>/", calls.call_detail, name="call-detail"),
    path("appels/<int:pk>/cesser/", calls.call_give_up, name="call-give-up"),
]
