from django.contrib import admin

from .models import Account, Movement


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    list_display = ["number", "name", "balance"]
    ordering = ["number"]


@admin.register(Movement)
class MovementAdmin(admin.ModelAdmin):
    list_display = ["day", "account", "label", "amount"]
    list_filter = ["account__number"]
    ordering = ["day", "id"]
    list_per_page = 25
