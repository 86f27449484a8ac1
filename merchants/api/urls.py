from django.urls import URLPattern

# `merchant/…` is called by a merchant's staff (views.MerchantView), `me/stores…` by a member.
urlpatterns: list[URLPattern] = []
