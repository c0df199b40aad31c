from django.db import models


class Account(models.Model):
    number = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=40)
    balance = models.DecimalField(max_digits=12, decimal_places=2)

    def __str__(self):
        return self.number


class Movement(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    day = models.DateField()
    label = models.CharField(max_length=80)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
