import requests

url = "https://my.pivotal.app/api/v1/onboardings"

payload = { "customer_id": "cust_987654321" }
headers = {
    "Authorization": "Bearer <token>",
    "Content-Type": "application/json"
}

response = requests.post(url, json=payload, headers=headers)

print(response.json())
